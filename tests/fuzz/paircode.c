/* fuzz: sipd/paircode.c sipd/nearest.c tunnels/pair/codewords.c
 *
 * A pairing code as a user types it; what is taken is taken again, unchanged.
 */
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "sipd/paircode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256], code[PAIRCODE_SIZE], again[PAIRCODE_SIZE], why[256];

	if (size >= sizeof text)
		size = sizeof text - 1;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (paircode_read(code, text, why, sizeof why))
		return 0;
	if (paircode_read(again, code, why, sizeof why) ||
	    strcmp(code, again))
		abort();
	return 0;
}

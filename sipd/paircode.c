/*
 * paircode.c: makes and reads pairing codes; owns the list of words.
 */
#include <ctype.h>
#include <errno.h>
#include <openssl/rand.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/nearest.h"
#include "sipd/paircode.h"

enum { NUMBER_MIN = 100, NUMBERS = 900 };

/* Common, of two syllables or three, sorted; no two sound alike. */
static const char *const wordv[] = {
	"acorn", "admiral", "album", "almond", "amber", "anchor", "anvil",
	"apple", "apron", "arcade", "arrow", "aspen", "atlas", "attic",
	"autumn", "avocado", "badge", "bagel", "bakery", "balcony", "balloon",
	"bamboo", "banjo", "barrel", "basket", "beacon", "beaver", "bicycle",
	"biscuit", "blanket", "blossom", "bonfire", "border", "bottle",
	"bridge", "bronze", "bucket", "buffalo", "bullet", "butter", "cabin",
	"cactus", "camel", "candle", "canyon", "caravan", "carbon", "carpet",
	"castle", "cedar", "cellar", "cement", "cherry", "chimney", "circus",
	"citrus", "clover", "cobra", "coconut", "coffee", "comet", "compass",
	"copper", "coral", "corner", "cotton", "cousin", "coyote", "cradle",
	"crayon", "cricket", "crystal", "curtain", "custard", "dagger",
	"daisy", "dancer", "decade", "desert", "diamond", "dinner", "doctor",
	"dolphin", "domino", "donkey", "dragon", "driver", "eagle", "easel",
	"echo", "elbow", "eleven", "emerald", "engine", "envelope", "evening",
	"fabric", "falcon", "feather", "fiddle", "finger", "flamingo",
	"forest", "fossil", "fountain", "galaxy", "gallery", "garden",
	"garlic", "ginger", "giraffe", "glacier", "goblin", "gravel",
	"guitar", "hammer", "harbor", "harvest", "hazel", "helmet", "hermit",
	"hockey", "honey", "hornet", "hunter", "iceberg", "igloo", "indigo",
	"insect", "island", "ivory", "jacket", "jaguar", "jasmine", "jelly",
	"jersey", "jigsaw", "jungle", "kayak", "kettle", "kingdom", "kitchen",
	"kitten", "ladder", "lagoon", "lantern", "laptop", "lemon", "leopard",
	"library", "lily", "linen", "lizard", "lobster", "lotus", "magnet",
	"mango", "maple", "marble", "market", "meadow", "melon", "mirror",
	"monkey", "mosaic", "motor", "muffin", "mustard", "napkin", "nectar",
	"needle", "nickel", "nutmeg", "oatmeal", "ocean", "octopus", "olive",
	"onion", "opera", "orange", "orchard", "otter", "oyster", "paddle",
	"palace", "panda", "panther", "paper", "parrot", "pasture", "peanut",
	"pebble", "pelican", "pencil", "pepper", "piano", "picnic", "pigeon",
	"pillow", "pirate", "planet", "pocket", "poem", "pony", "potato",
	"powder", "puzzle", "pyramid", "quarry", "quilt", "rabbit", "radar",
	"raven", "ribbon", "river", "robin", "rocket", "saddle", "salmon",
	"sandal", "satin", "scarlet", "shadow", "shovel", "silver", "spider",
	"sponge", "squirrel", "stable", "sugar", "summer", "sunset", "tango",
	"temple", "thunder", "tiger", "timber", "tomato", "trumpet", "tulip",
	"tunnel", "turtle", "umbrella", "vanilla", "velvet", "violin",
	"volcano", "walnut", "walrus", "whistle", "willow", "window",
	"winter", "wizard", "yogurt", "zebra",
};

_Static_assert(RE_ARRAY_SIZE(wordv) == PAIRCODE_WORDS, "a byte names one");

const char *paircode_word(uint8_t i)
{
	return wordv[i];
}

/* 0 .. n-1, each as likely as the other. */
static uint32_t rand_below(uint32_t n)
{
	const uint32_t end = UINT32_MAX - UINT32_MAX % n;
	uint32_t v;

	do {
		if (RAND_bytes((uint8_t *)&v, sizeof v) != 1)
			abort();        /* a code that can be guessed */
	} while (v >= end);
	return v % n;
}

void paircode_make(char code[PAIRCODE_SIZE])
{
	(void)re_snprintf(code, PAIRCODE_SIZE, "%s-%s-%u",
			  wordv[rand_below(PAIRCODE_WORDS)],
			  wordv[rand_below(PAIRCODE_WORDS)],
			  NUMBER_MIN + rand_below(NUMBERS));
}

static int compare(const void *key, const void *p)
{
	return strcmp(key, *(const char *const *)p);
}

static bool is_word(const char *w)
{
	return bsearch(w, wordv, PAIRCODE_WORDS, sizeof *wordv, compare);
}

static int no_word(const char *w, char *why, size_t size)
{
	struct nearest near = { NULL, 0 };

	for (size_t i = 0; i < PAIRCODE_WORDS; i++)
		nearest_try(&near, w, wordv[i]);
	(void)re_snprintf(why, size, "\"%s\" is no word of a code%H%s", w,
			  nearest_print, &near, near.best ? "" : ".");
	return EINVAL;
}

int paircode_read(char code[PAIRCODE_SIZE], const char *text, char *why,
		  size_t size)
{
	char buf[PAIRCODE_SIZE], *save = NULL, *partv[4];
	size_t n = 0;

	(void)str_ncpy(buf, text, sizeof buf);
	for (char *p = buf; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (char *p = strtok_r(buf, "-_ ", &save); p && n < 4;
	     p = strtok_r(NULL, "-_ ", &save))
		partv[n++] = p;
	if (strlen(text) >= sizeof buf || n != 3 || strlen(partv[2]) != 3 ||
	    strspn(partv[2], "0123456789") != 3) {
		(void)re_snprintf(why, size, "\"%s\" is no pairing code: it"
				  " is two words and a number, like"
				  " %s-%s-417.", text, wordv[9], wordv[80]);
		return EINVAL;
	}
	for (size_t i = 0; i < 2; i++)
		if (!is_word(partv[i]))
			return no_word(partv[i], why, size);
	(void)re_snprintf(code, PAIRCODE_SIZE, "%s-%s-%s", partv[0],
			  partv[1], partv[2]);
	return 0;
}

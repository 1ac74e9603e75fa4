/*
 * codewords.c: the list; used by pairing codes and by greet.c.
 */
#include <re.h>
#include "tunnels/pair/codewords.h"

/* Common, of two syllables or three, sorted; no two sound alike. */
const char *const codewordv[CODEWORDS] = {
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

void codewords_print(char *buf, size_t size, const uint8_t *p, size_t n)
{
	size_t at = 0;

	*buf = '\0';
	for (size_t i = 0; i < n && at < size; i++) {
		int len = re_snprintf(buf + at, size - at, "%s%s",
				      i ? " " : "", codewordv[p[i]]);

		at += len < 0 ? size : (size_t)len;
	}
}

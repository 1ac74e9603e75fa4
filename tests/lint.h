/* What cppcheck, which does not read libre's headers, must know of them. */
#define LIST_FOREACH(list, le) \
	for ((le) = (list)->head; (le); (le) = (le)->next)

#!/usr/bin/awk -f
# print.awk -v sites="..." -v pairs=N [-v ci=1] [-v slow=1] LINES: the matrix,
# what is worse than theory, and the sums. Used by run.sh, whose lines are
#   A B RESULT MS UPGRADED LOCAL REMOTE THEORY REASON...
#   A B nice RESULT MS PROTECTED LOCAL REMOTE
# A pair that was repeated has several of each: the median of the times and
# the worst of the results count. slow: nothing but the pairs that are slower
# than libnice, one a line. Fails if there are not N pairs, if one is worse
# than theory, or if libnice does better: connects where we do not, by a
# better kind, or protected sooner by more than NOISE ms; or if what is easy
# takes longer than EASY ms in the median.

BEGIN {
	NOISE = 10
	EASY = 150 + 2 * 10     # and two round trips
	split("direct predict guess tcp tls relayed", word, " ")
	split("1 1 1 2 2 3", value, " ")
	split("D G G T T R", sign, " ")
	for (i = 1; i <= 6; i++) {
		rank_of[word[i]] = value[i]
		sign_of[word[i]] = sign[i]
	}
}
function rank(r) { return r in rank_of ? rank_of[r] : 4 }
# how it is written in the matrix
function letter(r) { return r in sign_of ? sign_of[r] : "-" }
function median(v, n,	i, j, t) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] > v[j]; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	if (n == 0)
		return "-"
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

# note one time of a pair; the median of all of it
function note(v, count, k, x,	i, list) {
	if (x !~ /^[0-9]+$/)
		return count[k] ? at[v, k] : "-"
	all[v, k, ++count[k]] = x
	for (i = 1; i <= count[k]; i++)
		list[i] = all[v, k, i]
	return at[v, k] = int(median(list, count[k]))
}
$3 == "nice" {
	k = $1 " " $2
	if (!(k in nice))
		nices++
	if (!(k in nice) || rank($4) > rank(nice[k]))
		nice[k] = $4
	nice_ms[k] = note("nice", c1, k, $5)
	nice_dtls[k] = note("dtls", c2, k, $6)
	next
}
{
	k = $1 " " $2
	# a direct path that could only be guessed was guessed, and one by TCP
	# that could only be by TLS is that
	r = ($3 == "direct" && ($8 == "guess" || $8 == "predict")) ||
	    ($3 == "tcp" && $8 == "tls") ? $8 : $3
	if (!(k in got))
		order[++n] = k
	if (!(k in got) || rank(r) > rank(got[k])) {
		got[k] = r
		cands[k] = $6 " - " $7
	}
	ms[k] = note("ms", c3, k, $4)
	up[k] = note("up", c4, k, $5)
	best[k] = $8
	why[k] = $9
	for (i = 10; i <= NF; i++)
		why[k] = why[k] " " $i
}

# what the pairs come to, when all is read
function add_up(	i, k) {
	for (i = 1; i <= n; i++) {
		k = order[i]
		sum[got[k]]++
		could[best[k]]++
		if (k in nice)
			nice_sum[nice[k]]++
		if (ms[k] == "-")
			continue
		t[++ts] = ms[k]
		if (up[k] > ms[k] + 200 && rank(got[k]) <= rank(best[k]))
			late[++lates] = up[k]
		if (best[k] == "direct" && got[k] == "direct")
			easy[++easies] = ms[k]
		if (k in nice && nice_ms[k] != "-") {
			nt[++nts] = nice_ms[k]
			both[++boths] = ms[k]
			if (nice_dtls[k] != "-")
				pt[++pts] = nice_dtls[k]
		}
	}
}
# is it slower than that by more than noise?
function slower(k, than) {
	return k in nice && than[k] != "-" && ms[k] > than[k] + NOISE
}

function cell(k,	s) {
	if (!(k in got))
		return ""
	s = letter(got[k]) (ms[k] ~ /^[0-9]+$/ ? ms[k] : "")
	if (rank(got[k]) > rank(best[k]))
		s = s "<" letter(best[k])
	return s
}
function matrix(	i, j, c, k, s) {
	c = split(sites, site, " ")
	printf "%-7s", "A \\ B"
	for (j = 1; j <= c; j++)
		printf " %-7s", site[j]
	print ""
	for (i = 1; i <= c; i++) {
		printf "%-7s", site[i]
		for (j = 1; j <= c; j++) {
			k = site[i] " " site[j]
			if (!(k in got))
				k = site[j] " " site[i]
			printf " %-7s", cell(k)
		}
		print ""
	}
	for (i = 1; i <= n; i++) {
		split(order[i], ab, " ")
		if (!index(" " sites " ", " " ab[1] " "))
			printf "%-15s %s\n", order[i], cell(order[i])
	}
	print "D direct, G direct after guessing, T TCP, R relayed, - " \
	    "failed; ms from answer to first byte; X<Y: theory allows Y"
}
function sums(name, a,	r) {
	printf "%-8s", name
	for (r = 1; r <= 6; r++)
		printf " %s %d", word[r], a[word[r]]
	print ""
}

END {
	if (slow) {
		for (i = 1; i <= n; i++)
			if (slower(order[i], nice_ms))
				print order[i]
		exit
	}
	add_up()
	if (!ci && n > 1)
		matrix()
	for (i = 1; i <= n; i++) {
		k = order[i]
		if (rank(got[k]) > rank(best[k])) {
			worse++
			printf "%s: %s instead of %s (%s) %s\n", k, got[k],
			    best[k], why[k], cands[k]
		} else if (n <= 2) {
			printf "%s: %s %s ms, %s ms; %s; %s: %s\n", k, got[k],
			    ms[k], up[k], cands[k], best[k], why[k]
		}
		if (k in nice && rank(got[k]) > rank(nice[k])) {
			lost++
			printf "%s: %s, libnice %s\n", k, got[k], nice[k]
		}
		bare += slower(k, nice_ms)
		protected += slower(k, nice_dtls)
		if (slower(k, nice_ms) || (n <= 2 && k in nice))
			printf "%s: %s ms, libnice %s ms, by DTLS %s ms\n", k,
			    ms[k], nice_ms[k], nice_dtls[k]
	}
	missing = pairs > n ? pairs - n : 0
	if (ci) {
		printf "lab: %d passed, %d failed\n", n - worse,
		    worse + missing
		exit worse + missing > 0
	}
	sums("theory", could)
	sums("here", sum)
	printf "%d pairs, %d worse than theory, %d not connected, %d missing;" \
	    " median %s ms, %s ms where it is easy\n", n, worse,
	    sum["failed"] + sum["broken"], missing, median(t, ts),
	    median(easy, easies)
	if (lates)
		printf "%d began by a relay and were on the best path after" \
		    " %s ms (median)\n", lates, median(late, lates)
	if (nices) {
		sums("libnice", nice_sum)
		printf "libnice: %d failed, better than here %d times; where" \
		    " both connect, a first byte after %s ms, by DTLS %s ms," \
		    " here by QUIC %s ms (medians); sooner than here by more" \
		    " than %d ms %d times, by DTLS %d times\n",
		    nice_sum["failed"], lost, median(nt, nts),
		    median(pt, pts), median(both, boths), NOISE, bare,
		    protected
	}
	tardy = easies && median(easy, easies) > EASY
	if (tardy)
		print "what is easy takes longer than " EASY " ms"
	exit worse + missing + lost + protected + tardy > 0
}

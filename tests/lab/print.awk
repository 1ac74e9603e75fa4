#!/usr/bin/awk -f
# print.awk -v sites="..." [-v ci=1] LINES: the matrix, what is worse than
# theory, and the sums. Used by run.sh, whose lines are
#   A B RESULT MS UPGRADED LOCAL REMOTE THEORY REASON...
#   A B nice RESULT MS LOCAL REMOTE
# Fails if with ci a pair is worse than theory.

BEGIN {
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

$3 == "nice" {
	k = $1 " " $2
	nice[k] = $4
	nice_ms[k] = $5
	nices++
	nice_sum[$4]++
	next
}
{
	k = $1 " " $2
	order[++n] = k
	# a direct path that could only be guessed was guessed
	got[k] = $3 == "direct" && ($8 == "guess" || $8 == "predict") ? $8 : $3
	ms[k] = $4
	up[k] = $5
	cands[k] = $6 " - " $7
	best[k] = $8
	why[k] = $9
	for (i = 10; i <= NF; i++)
		why[k] = why[k] " " $i
	sum[got[k]]++
	could[best[k]]++
	if ($5 > $4 + 200 && rank(got[k]) <= rank(best[k]))
		late[++lates] = $5
	if ($4 ~ /^[0-9]+$/) {
		t[++ts] = $4
		if (best[k] == "direct" && got[k] == "direct")
			easy[++easies] = $4
	}
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
		} else if (k in nice && ms[k] > nice_ms[k] + 50 &&
		    nice_ms[k] ~ /^[0-9]+$/) {
			slower++
			printf "%s: %s ms, libnice %s ms\n", k, ms[k],
			    nice_ms[k]
		}
		if (k in nice && nice_ms[k] ~ /^[0-9]+$/)
			nt[++nts] = nice_ms[k]
	}
	if (ci) {
		printf "lab: %d passed, %d failed\n", n - worse, worse
		exit worse > 0
	}
	sums("theory", could)
	sums("here", sum)
	printf "%d pairs, %d worse than theory, %d not connected; median %s" \
	    " ms, %s ms where it is easy\n", n, worse,
	    sum["failed"] + sum["broken"], median(t, ts),
	    median(easy, easies)
	if (lates)
		printf "%d began by a relay and were on the best path after" \
		    " %s ms (median)\n", lates, median(late, lates)
	if (nices) {
		sums("libnice", nice_sum)
		printf "libnice: %d failed, median %s ms; better than here %d" \
		    " times, faster by more than 50 ms %d times\n",
		    nice_sum["failed"], median(nt, nts), lost, slower
	}
}

"""Does a published figure hold? An equivalence test of ours against theirs, task by task.

The question
    The entry's figure ``P`` was measured once, on all ``N`` items of a set, and is printed to so
    many decimals. We score the same weights, or what a recipe makes of the same parents, on ``n``
    of those items. ``D`` is what our figure would be on all ``N`` items, on average over runs,
    minus ``P``. The entry is *reproduced* where ``|D|`` is below the margin ``m``.

What is random
    The items are no sample of a larger world: theirs and ours are the same ones. So only two
    things make our figure differ where ``D`` is 0.

    1. Sampling: we may have asked ``n < N`` items, drawn without replacement. For a mean the
       variance is ``(1 - n/N) s²/n`` (Cochran 1977, Sampling Techniques, ch. 2), none at all at
       ``n = N``. ``s²`` takes four made-up items along, two right and two wrong (Agresti and
       Coull 1998, The American Statistician 52, 119-126), or ten right answers of ten would leave
       no doubt. Strata are not counted, which errs towards wide intervals.
    2. The run: hardware, batch size and library versions turn some answers over. Of the items, a
       share ``flips`` is answered differently by two runs of the same weights, as often one way as
       the other. A mean over all ``N`` then varies by ``flips/N`` between two runs, whatever ``n``.

    The interval is ``D ± t se`` with Student's quantile at the degrees of freedom that the sampled
    part leaves, moved against the skewness of rare answers (Hall 1992) and, for a figure of one
    set, widened by half of what an item moves it (a count takes no values between).

    Rounding is not random: a figure printed as 58.77 stands for all that is within 0.005 of it, so
    every interval is widened by that half-width on both sides.

From answers to points
    A benchmark's points are a piecewise linear function of its tasks' means, so the variances are
    carried through its slopes (:mod:`workbench.leaderboard.reproduce.formula`); tasks that share
    their items, such as IFEval's two accuracies, are added up item by item first. Below its floor
    a task counts as 0, whatever its mean: there the slope above the floor is used all the same,
    which can only widen the interval, and since noise at a floor is cut off from below alone, the
    interval's lower end is let down by the most that this can lift a figure
    (:func:`~workbench.leaderboard.reproduce.difference.lift`).

The verdict
    - *reproduced*: both one-sided tests, of ``D <= -m`` and of ``D >= m``, reject at 5%; that is,
      the 90% interval of ``D`` lies inside ``(-m, m)`` (Schuirmann 1987, J. Pharmacokinet.
      Biopharm. 15, 657-680). An entry that is off by the margin or more passes at most once in 20.
    - *not reproduced*: the 95% interval lies wholly beyond the margin. The stricter interval,
      because this verdict says something of a person's work, and a page holds seven of them: an
      entry that is off by just the margin is called so at most once in 40 for each figure.
    - *cannot tell* otherwise.

    For the entry as a whole: reproduced where every benchmark is (each must pass its own test at
    5%, so that the whole errs no oftener: Berger 1982, Technometrics 24, 295-300); not reproduced
    where some figure is beyond the margin at 2.5% over the number of figures (Bonferroni).

How many items would tell
    The least ``n`` at which the chance of a clear verdict is 80%, every task's sample growing
    alike: once for a true difference of 0 ("if the entry holds"), once for the difference as
    observed, which is a guess that inherits the luck of this very sample. ``None`` where not even
    all items are enough.
"""

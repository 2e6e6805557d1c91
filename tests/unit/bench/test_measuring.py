import pytest

from bench.measuring import Figures, Line, Rounds, Row, Target, compare, cpu_figures, percentiles, run

RATIO = Line("ours ÷ theirs", "ours", "theirs", target=Target(at_least=0.5))


def rounds(*figures: dict[str, float]) -> Rounds:
    return Rounds(list(figures))


async def test_every_trial_runs_once_per_round_in_alternating_order() -> None:
    ran: list[str] = []

    def trial(name: str) -> Figures:
        ran.append(name)
        return {name: len(ran)}

    async def ours() -> Figures:
        return trial("ours")

    async def theirs() -> Figures:
        return trial("theirs")

    results = await run(Row([ours, theirs], []), 3, lambda: ran.append("|"))
    assert ran == ["ours", "|", "theirs", "|", "theirs", "|", "ours", "|", "ours", "|", "theirs", "|"]
    assert results.of("ours") == [1, 7, 9]


async def test_a_row_may_have_a_fixed_number_of_rounds() -> None:
    async def trial() -> Figures:
        return {"ours": 1}

    assert len((await run(Row([trial], [], rounds=1), 3, lambda: None)).figures) == 1


def test_the_median_of_the_ratios_of_each_round_is_judged() -> None:
    slow_hour = {"ours": 10.0, "theirs": 20.0}
    [compared] = compare([RATIO], rounds({"ours": 90, "theirs": 100}, slow_hour, {"ours": 60, "theirs": 100}))
    assert compared.ratios == (0.9, 0.5, 0.6)
    assert (compared.ours, compared.other, compared.judged, compared.met) == (60, 100, 0.6, True)


def test_an_inverted_ratio_is_the_other_side_divided_by_ours() -> None:
    line = Line("theirs ÷ ours", "ours", "theirs", target=Target(at_least=25), inverted=True)
    [compared] = compare([line], rounds({"ours": 2, "theirs": 50}, {"ours": 1, "theirs": 24}, {"ours": 1, "theirs": 26}))
    assert (compared.ratios, compared.met) == ((25.0, 24.0, 26.0), True)


def test_processor_time_by_process_is_the_median_of_the_rounds() -> None:
    used = [cpu_figures("ours", {"postgres": each, "kafka": 10.0}) for each in (300.0, 100.0, 200.0)]
    [compared] = compare([RATIO], rounds(*({"ours": 1, "theirs": 2, **each} for each in used)))
    assert compared.ours_cpu == {"postgres": 200.0, "kafka": 10.0}
    assert compared.other_cpu == {}


def test_the_processor_time_of_all_processes_is_a_figure_that_is_judged_like_others() -> None:
    line = Line("all processes", "ours, CPU", unit="µs", target=Target(at_most=310))
    [compared] = compare([line], rounds(cpu_figures("ours", {"postgres": 300.0, "kafka": 10.0})))
    assert (compared.ours, compared.met, compared.ours_cpu) == (310.0, True, {"postgres": 300.0, "kafka": 10.0})


def test_figures_with_a_common_prefix_keep_their_own_processor_time() -> None:
    results = rounds(
        {"ours": 1, "theirs": 2, **cpu_figures("ours", {"kafka": 1.0}), **cpu_figures("ours, followed", {"kafka": 9.0})}
    )
    [compared] = compare([RATIO], results)
    assert compared.ours_cpu == {"kafka": 1.0}


def test_the_last_round_of_pooled_figures_counts() -> None:
    line = Line("p99 of all", "ours", "theirs", target=Target(at_most=3), pooled=True)
    [compared] = compare([line], rounds({"ours": 10, "theirs": 1}, {"ours": 8, "theirs": 4}))
    assert (compared.ours, compared.other, compared.judged, compared.met) == (8, 4, 2, True)


def test_a_figure_without_comparison_is_judged_alone() -> None:
    [compared] = compare([Line("skipped", "skipped", target=Target(at_most=0))], rounds({"skipped": 1}))
    assert (compared.other, compared.ratios, compared.judged, compared.met) == (None, (), 1, False)


def test_without_a_target_nothing_is_met_or_missed() -> None:
    [compared] = compare([Line("only told", "ours")], rounds({"ours": 1}))
    assert compared.met is None


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (Target(at_least=0.85), 0.85, True),
        (Target(at_least=0.85), 0.84, False),
        (Target(at_most=3), 3, True),
        (Target(at_most=3), 3.01, False),
    ],
)
def test_a_target_that_is_just_reached_is_met(target: Target, value: float, met: bool) -> None:
    assert target.met_by(value) is met


def test_a_figure_without_measurement_is_an_error() -> None:
    with pytest.raises(KeyError):
        compare([RATIO], rounds({"ours": 1}))


def test_percentiles_are_milliseconds_by_name_in_any_order_of_samples() -> None:
    figures = percentiles([each / 1000 for each in reversed(range(100))], "page")
    assert (figures["page p50"], figures["page p99"], figures["page p99.9"]) == (50, 99, 99)


def test_one_sample_is_every_percentile() -> None:
    assert set(percentiles([0.25], "page").values()) == {250}

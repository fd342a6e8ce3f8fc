//! Claims about the effect: exact cases, published figures, properties.

use super::*;

fn near(got: f64, wanted: f64, what: &str) {
    assert!((got - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{what}: {got} is not {wanted}");
}

/// The trials of a table: runs with it, of these successes, runs without it, of these successes.
fn trials_of(stratum: u64, [with, with_success, without, without_success]: [u32; 4]) -> Vec<Trial> {
    let side = |exposed, n: u32, successes: u32| {
        (0..n).map(move |i| Trial {
            strata: [stratum, 0, 0],
            exposed,
            success: i < successes,
            weight: 1.0,
        })
    };
    side(true, with, with_success).chain(side(false, without, without_success)).collect()
}

fn effect_of(tables: &[[u32; 4]]) -> Option<Effect> {
    let numbered = tables.iter().zip(1..);
    let mut trials: Vec<Trial> = numbered.flat_map(|(table, i)| trials_of(i, *table)).collect();
    effect(&mut trials)
}

#[test]
fn the_effect_equals_statsmodels_and_the_definition() {
    let mut n_cases = 0;
    for line in include_str!("../golden/strata.txt").lines().filter(|l| !l.starts_with('#')) {
        let (tables, wanted) = line.split_once(" ; ").unwrap();
        let tables: Vec<[u32; 4]> = tables
            .split(' ')
            .map(|table| {
                let counts: Vec<u32> = table.split(',').map(|n| n.parse().unwrap()).collect();
                counts.try_into().unwrap()
            })
            .collect();
        let wanted: Vec<f64> = wanted.split(' ').map(|word| word.parse().unwrap()).collect();
        let got = effect_of(&tables).unwrap();
        let statistic = normal_quantile(got.p / 2.0).powi(2);
        near(statistic, wanted[0], "CMH statistic");
        near(got.p, wanted[1], "p");
        near(got.difference, wanted[2], "difference");
        near(got.lower, wanted[3], "lower");
        near(got.upper, wanted[4], "upper");
        n_cases += 1;
    }
    assert_eq!(n_cases, 7);
}

#[test]
fn strata_with_one_side_only_change_nothing() {
    let informative = [[4, 3, 4, 1], [5, 5, 6, 2]];
    let with_idle = [[4, 3, 4, 1], [9, 9, 0, 0], [5, 5, 6, 2], [0, 0, 7, 0]];
    let (a, b) = (effect_of(&informative).unwrap(), effect_of(&with_idle).unwrap());
    assert_eq!(a, b);
    assert_eq!((a.n, a.n_exposed, a.n_strata), (19.0, 9.0, 2));
}

#[test]
fn where_nothing_can_be_compared_there_is_no_effect() {
    assert_eq!(effect_of(&[]), None);
    assert_eq!(effect_of(&[[1, 1, 0, 0]]), None, "one run");
    assert_eq!(effect_of(&[[5, 5, 0, 0], [3, 0, 0, 0]]), None, "all exposed");
    assert_eq!(effect_of(&[[0, 0, 5, 2]]), None, "none exposed");
    let mut unknown = trials_of(0, [4, 4, 4, 0]);
    assert_eq!(effect(&mut unknown), None, "no key, no stratum");
}

#[test]
fn runs_that_all_end_alike_show_no_effect_and_a_wide_interval() {
    for table in [[6, 6, 6, 6], [6, 0, 6, 0], [1, 1, 1, 1], [1, 1, 40, 40]] {
        let got = effect_of(&[table]).unwrap();
        assert_eq!((got.difference, got.p), (0.0, 1.0), "{table:?}");
        assert!(got.lower < -0.1 && got.upper > 0.05, "{table:?}: {got:?}");
    }
}

#[test]
fn a_perfect_split_of_few_runs_is_not_certain() {
    let got = effect_of(&[[2, 2, 2, 0]]).unwrap();
    assert_eq!(got.difference, 1.0);
    assert!(got.lower < 0.2 && got.upper <= 1.0, "{got:?}");
    assert!(got.p > 0.05, "{got:?}");
}

#[test]
fn the_finest_stratum_with_enough_runs_is_compared_within() {
    let trial = |task, task_type, domain, i: u32| Trial {
        strata: [task, task_type, domain],
        exposed: i.is_multiple_of(2),
        success: i.is_multiple_of(3),
        weight: 1.0,
    };
    let stratum = |trials: Vec<Trial>| effect(&mut trials.clone()).map(|effect| effect.stratum);
    let repeated = (0..12).map(|i| trial(1, 2, 3, i)).collect();
    assert_eq!(stratum(repeated), Some(Stratum::Task));
    let new_tasks = (0..12).map(|i| trial(u64::from(i) + 1, 2, 3, i)).collect();
    assert_eq!(stratum(new_tasks), Some(Stratum::TaskType));
    let untyped = (0..12).map(|i| trial(u64::from(i) + 1, 0, 3, i)).collect();
    assert_eq!(stratum(untyped), Some(Stratum::Domain));
    let few = (0..4).map(|i| trial(1, 2, 3, i)).collect();
    assert_eq!(stratum(few), Some(Stratum::Task), "few everywhere: the least confounded");
}

proptest::proptest! {
    #[test]
    fn an_effect_does_not_depend_on_order_and_turns_with_its_sides(
        tables in proptest::collection::vec(proptest::array::uniform4(0_u32..6), 1..8),
        seed in 0_u64..1_000,
    ) {
        let tables: Vec<[u32; 4]> =
            tables.iter().map(|[a, b, c, d]| [*a, *b.min(a), *c, *d.min(c)]).collect();
        let Some(plain) = effect_of(&tables) else { return Ok(()) };
        let numbered = tables.iter().zip(1..);
        let mut trials: Vec<Trial> = numbered.flat_map(|(table, i)| trials_of(i, *table)).collect();
        let mut random = simulation::Random(seed);
        for i in (1..trials.len()).rev() {
            trials.swap(i, random.below(i + 1));
        }
        proptest::prop_assert_eq!(effect(&mut trials), Some(plain));
        for trial in &mut trials {
            trial.exposed = !trial.exposed;
        }
        let turned = effect(&mut trials).unwrap();
        proptest::prop_assert!((plain.difference + turned.difference).abs() < 1e-12);
        proptest::prop_assert!((plain.lower + turned.upper).abs() < 1e-9);
        proptest::prop_assert!((plain.p - turned.p).abs() < 1e-12);
        proptest::prop_assert!(plain.lower <= plain.difference && plain.difference <= plain.upper);
        proptest::prop_assert!((0.0..=1.0).contains(&plain.p));
    }
}

#[test]
fn runs_that_count_half_count_half() {
    let trials = |weight: f64, copies: u64| -> Vec<Trial> {
        let kinds = [(true, true), (true, false), (false, false), (true, true), (false, true)];
        let strata = |stratum| {
            kinds.map(|(exposed, success)| Trial {
                strata: [stratum, 0, 0],
                exposed,
                success,
                weight,
            })
        };
        (0..copies).flat_map(|_| (1..=6).flat_map(strata)).collect()
    };
    let whole = effect(&mut trials(1.0, 1)).unwrap();
    assert_eq!(effect(&mut trials(0.5, 2)).unwrap(), whole);
    let half = effect(&mut trials(0.5, 1)).unwrap();
    assert_eq!((half.n, half.difference), (whole.n / 2.0, whole.difference));
    assert!(half.lower < whole.lower && half.upper > whole.upper && half.p > whole.p);
    let pair = [true, false].map(|exposed| Trial {
        strata: [1, 0, 0],
        exposed,
        success: exposed,
        weight: 0.5,
    });
    let least = effect(&mut pair.to_vec()).unwrap();
    assert!(least.p.is_finite() && least.lower >= -1.0 && least.upper <= 1.0, "{least:?}");
}

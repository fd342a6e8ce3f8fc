//! Comparison with statsforecast, ruptures and scikit-learn on the series of
//! `tests/fixtures/prediction/make.py`.

use serde_json::Value;

use super::changepoint::{breaks, standardized};
use super::cluster::clusters;
use super::forecast::ets::{Form, Model};

fn oracles() -> Value {
    let text = include_str!("../../tests/fixtures/prediction/oracles.json");
    serde_json::from_str(text).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn smoothing_of_the_same_form_forecasts_what_statsforecast_does() {
    let mut n_fits = 0;
    for case in oracles()["ets"].as_array().unwrap() {
        let series = numbers(&case["series"]);
        let period = usize::try_from(case["period"].as_u64().unwrap()).unwrap();
        for fit in case["fits"].as_array().unwrap() {
            let name = fit["form"].as_str().unwrap();
            let form = Form::ALL
                .into_iter()
                .find(|form| form.to_string().replace(['E', 'T', 'S', '(', ')', ','], "") == name);
            let model = Model::fit(form.unwrap(), &series, period).unwrap();
            let wanted = numbers(&fit["forecast"]);
            for (ahead, (got, wanted)) in model.forecast(8).iter().zip(&wanted).enumerate() {
                let off = (got - wanted).abs() / wanted.abs();
                assert!(off < 1e-4, "{name}, {ahead} ahead: {got} is not {wanted} ({off:.1e})");
            }
            n_fits += 1;
        }
    }
    assert_eq!(n_fits, 14);
}

#[test]
fn breaks_are_those_of_ruptures() {
    for case in oracles()["pelt"].as_array().unwrap() {
        let wanted: Vec<usize> =
            numbers(&case["breaks"]).iter().map(|at| format!("{at}").parse().unwrap()).collect();
        assert_eq!(breaks(&standardized(&numbers(&case["series"]))), wanted);
    }
}

#[test]
fn labels_are_those_of_scikit_learn() {
    let oracles = oracles();
    let points: Vec<[f64; 4]> = oracles["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| numbers(point).try_into().unwrap())
        .collect();
    for case in oracles["dbscan"].as_array().unwrap() {
        let radius = case["radius"].as_f64().unwrap();
        let min_points = usize::try_from(case["min_points"].as_u64().unwrap()).unwrap();
        let wanted: Vec<Option<usize>> = case["labels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|label| usize::try_from(label.as_i64().unwrap()).ok())
            .collect();
        assert_eq!(clusters(&points, radius, min_points), wanted, "{radius}, {min_points}");
    }
}

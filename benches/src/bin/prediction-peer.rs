//! Own methods of prediction as one of the peers of `peers/prediction.py`: answers each line of its
//! input, a series with what is asked of it, with the result and the time that its thread worked.

use std::io::{BufRead, Write};

use memory_benches::cpu_clock::CpuClock;
use memory_core::bench::{anomaly_scores, change_points, clusters, forecast};
use serde::Deserialize;
use serde_json::{Value, json};

/// Question of a line.
#[derive(Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
enum Question {
    Forecast { values: Vec<f64>, period: usize, horizon: usize, level: f64 },
    ChangePoints { values: Vec<f64> },
    Anomalies { values: Vec<f64>, threshold: f64 },
    Clusters { points: Vec<[f64; 4]>, radius: f64, min_points: usize },
}

impl Question {
    fn answer(&self) -> Value {
        match self {
            Self::Forecast { values, period, horizon, level } => {
                let found = forecast(values, *period, *horizon, *level);
                found.map_or(Value::Null, |found| {
                    json!({"points": found.points, "lower": found.lower, "upper": found.upper})
                })
            }
            Self::ChangePoints { values } => json!(change_points(values)),
            Self::Anomalies { values, threshold } => {
                let scores = anomaly_scores(values);
                let far = scores.iter().enumerate().filter(|(_, score)| **score > *threshold);
                json!(far.map(|(at, _)| at).collect::<Vec<_>>())
            }
            Self::Clusters { points, radius, min_points } => {
                json!(clusters(points, *radius, *min_points))
            }
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        let clock = CpuClock::start();
        let answer = question.answer();
        let us = clock.elapsed_us();
        writeln!(out, "{}", json!({"answer": answer, "us": us}))?;
        out.flush()?;
    }
    Ok(())
}

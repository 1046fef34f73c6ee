//! The methods a forecast is mixed from.

use std::fmt;

use super::regression::{Design, Regression};
use super::smoothing::Smoothing;
use super::{analogue, seasonal_naive};

/// A way to forecast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// The value a season ago; with a season of 1 the last value.
    SeasonalNaive(usize),
    /// The mean of the last seasons, place by place.
    SeasonalMean(usize),
    /// Damped exponential smoothing with these seasons.
    Smoothing(Vec<usize>),
    /// Regression of differences over `difference` steps on their past.
    Regression {
        /// Steps of the difference.
        difference: usize,
        /// The seasons among the regressors.
        seasons: Vec<usize>,
    },
    /// What followed the most similar stretches of the past.
    Analogue(usize),
}

/// A method with the parameters of one series.
#[derive(Debug, Clone)]
pub(super) enum Fitted {
    SeasonalNaive(usize),
    SeasonalMean(usize),
    Smoothing(Smoothing),
    Regression(Regression),
    Analogue(usize),
}

/// Cycles that [`Method::SeasonalMean`] averages: the fourth oldest still resembles the next in most series, older ones less.
const CYCLES: usize = 4;

impl Method {
    /// Fits the parameters to `values`; `None` if they are too few for this method.
    pub(super) fn fit(&self, values: &[f64]) -> Option<Fitted> {
        match self {
            Self::SeasonalNaive(season) => (values.len() >= *season).then_some(Fitted::SeasonalNaive(*season)),
            Self::SeasonalMean(season) => (values.len() >= 2 * season).then_some(Fitted::SeasonalMean(*season)),
            Self::Smoothing(seasons) => Smoothing::fit(values, seasons).map(Fitted::Smoothing),
            Self::Regression { difference, seasons } => {
                Regression::fit(values, Design::new(*difference, seasons, values.len())).map(Fitted::Regression)
            }
            Self::Analogue(length) => (values.len() >= 6 * length).then_some(Fitted::Analogue(*length)),
        }
    }
}

impl Fitted {
    /// The next `horizon` values after `values`.
    pub(super) fn forecast(&self, values: &[f64], horizon: usize) -> Vec<f64> {
        match self {
            Self::SeasonalNaive(season) => seasonal_naive::forecast(values, *season, horizon),
            Self::SeasonalMean(season) => seasonal_naive::mean_of_seasons(values, *season, CYCLES, horizon),
            Self::Smoothing(smoothing) => smoothing.forecast(values, horizon),
            Self::Regression(regression) => regression.forecast(values, horizon),
            Self::Analogue(length) => analogue::forecast(values, *length, horizon),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |seasons: &[usize]| {
            if seasons.is_empty() {
                "no season".to_owned()
            } else {
                format!("season {}", seasons.iter().map(usize::to_string).collect::<Vec<_>>().join(" and "))
            }
        };
        match self {
            Self::SeasonalNaive(season) if *season < 2 => write!(f, "last value"),
            Self::SeasonalNaive(season) => write!(f, "same as {season} steps ago"),
            Self::SeasonalMean(season) => write!(f, "mean of the last seasons of {season}"),
            Self::Smoothing(seasons) => write!(f, "damped exponential smoothing, {}", list(seasons)),
            Self::Regression { difference, seasons } => write!(f, "regression of differences over {difference}, {}", list(seasons)),
            Self::Analogue(length) => write!(f, "what followed similar stretches of {length}"),
        }
    }
}

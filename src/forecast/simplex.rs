//! Nelder and Mead's simplex ("A simplex method for function minimization", The Computer Journal 7, 1965): finds the parameters of a smoother without
//! derivatives, in a bounded number of evaluations.

/// Minimises `cost` from `start`, with first steps of `step` along each axis and at most `evaluations` calls. A cost that is no number counts as infinite.
/// Returns the best point seen.
pub(super) fn minimise<const N: usize>(start: [f64; N], step: f64, evaluations: usize, mut cost: impl FnMut(&[f64; N]) -> f64) -> [f64; N] {
    let mut judge = |point: [f64; N]| {
        let value = cost(&point);
        (if value.is_nan() { f64::INFINITY } else { value }, point)
    };
    let mut corners = Vec::with_capacity(N + 1);
    corners.push(judge(start));
    for axis in 0..N {
        let mut point = start;
        point[axis] += step;
        corners.push(judge(point));
    }
    let mut used = N + 1;
    while used < evaluations {
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (best, worst) = (corners[0].0, corners[N].0);
        // A simplex this flat has found what it can: costs are relative errors, and a millionth of one changes no forecast.
        if worst - best <= 1e-6 * best.abs() {
            break;
        }
        let centre: [f64; N] = std::array::from_fn(|axis| corners[..N].iter().map(|(_, point)| point[axis]).sum::<f64>() / N as f64);
        let along = |factor: f64| -> [f64; N] { std::array::from_fn(|axis| centre[axis] + factor * (corners[N].1[axis] - centre[axis])) };
        let (reflected, expanded, contracted) = (along(-1.0), along(-2.0), along(0.5));
        let turned = judge(reflected);
        used += 1;
        if turned.0 < best {
            let further = judge(expanded);
            used += 1;
            corners[N] = if further.0 < turned.0 { further } else { turned };
        } else if turned.0 < corners[N - 1].0 {
            corners[N] = turned;
        } else {
            let nearer = judge(contracted);
            used += 1;
            if nearer.0 < worst {
                corners[N] = nearer;
            } else {
                let heart = corners[0].1;
                for corner in &mut corners[1..] {
                    *corner = judge(std::array::from_fn(|axis| 0.5 * (heart[axis] + corner.1[axis])));
                    used += 1;
                }
            }
        }
    }
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    corners[0].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_bottom_of_a_curved_valley() {
        let bottom = minimise([-1.2, 1.0], 0.5, 400, |&[x, y]| 100.0 * (y - x * x).powi(2) + (1.0 - x).powi(2));
        assert!((bottom[0] - 1.0).abs() < 0.01 && (bottom[1] - 1.0).abs() < 0.02, "{bottom:?}");
    }

    #[test]
    fn a_cost_that_is_no_number_ends_too() {
        assert_eq!(minimise([1.0, 2.0], 0.1, 100, |_| f64::NAN), [1.0, 2.0]);
    }
}

//! Volume under the precision-recall surface (Paparrizos and others, VLDB 2022): range AUC-PR with soft label borders, averaged over
//! border lengths.

/// Border lengths run from 0 to this many rows; TSB-AD takes the season's length, which is about a hundred rows for most series.
pub(crate) const LONGEST_BORDER: usize = 100;
/// The surface is sampled at this many border lengths; the paper takes each, at twenty times the cost.
const BORDERS: usize = 5;
/// Thresholds along the sorted scores, as in the authors' code.
const THRESHOLDS: usize = 250;

/// VUS-PR of scores against labelled `[first, last]` windows; NaN without a window.
pub(crate) fn vus_pr(scores: &[f64], windows: &[(usize, usize)]) -> f64 {
    if windows.is_empty() || scores.is_empty() {
        return f64::NAN;
    }
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]));
    let total: f64 = (0..BORDERS).map(|step| range_auc_pr(scores, &order, windows, step * LONGEST_BORDER / (BORDERS - 1))).sum();
    total / BORDERS as f64
}

fn soft_labels(rows: usize, windows: &[(usize, usize)], border: usize) -> Vec<f64> {
    let mut labels = vec![0.0_f64; rows];
    for &(first, last) in windows {
        labels[first..=last].fill(1.0);
    }
    for &(first, last) in windows {
        for away in 1..=border / 2 {
            let soft = (1.0 - away as f64 / border as f64).sqrt();
            for row in [first.checked_sub(away), Some(last + away)].into_iter().flatten().filter(|row| *row < rows) {
                labels[row] = (labels[row] + soft).min(1.0);
            }
        }
    }
    labels
}

fn range_auc_pr(scores: &[f64], order: &[u32], windows: &[(usize, usize)], border: usize) -> f64 {
    let labels = soft_labels(scores.len(), windows, border);
    let certain = windows.iter().map(|window| window.1 - window.0 + 1).sum::<usize>() as f64;
    let ranges = crate::labelled_series::runs(&labels.iter().map(|label| *label > 0.0).collect::<Vec<_>>());
    let mut range_of = vec![usize::MAX; labels.len()];
    for (range, &(first, last)) in ranges.iter().enumerate() {
        range_of[first..=last].fill(range);
    }
    let mut touched = vec![false; ranges.len()];
    let (mut taken, mut true_sum, mut soft_sum, mut touched_count) = (0, 0.0, 0.0, 0usize);
    let (mut area, mut last_recall) = (0.0, 0.0);
    let inside = labels.iter().filter(|label| **label >= 1.0).count() as f64;
    for step in 0..THRESHOLDS {
        let rank = step * (order.len() - 1) / (THRESHOLDS - 1);
        let threshold = scores[order[rank] as usize];
        while taken < order.len() && scores[order[taken] as usize] >= threshold {
            let row = order[taken] as usize;
            true_sum += labels[row];
            if labels[row] < 1.0 {
                soft_sum += labels[row];
            }
            if labels[row] > 0.0 && !std::mem::replace(&mut touched[range_of[row]], true) {
                touched_count += 1;
            }
            taken += 1;
        }
        // As in the authors' code: positives are the mean of the certain labels and of the labels counted with the predicted borders.
        let positives = (certain + inside + soft_sum) / 2.0;
        let recall = (true_sum / positives).min(1.0) * touched_count as f64 / ranges.len() as f64;
        area += (recall - last_recall) * true_sum / taken as f64;
        last_recall = recall;
    }
    area
}

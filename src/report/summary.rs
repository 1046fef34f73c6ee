//! A report in a line or two: what stands in the message that brings it.

use super::inventory_page::{AssetEnd, InventoryReport};
use super::model::CapacityReport;
use super::sentences::proposal as told;

/// Decisions that are told one by one.
const MOST_TOLD: usize = 5;

/// What must be decided, and how everything stands.
pub fn capacity_summary(report: &CapacityReport) -> String {
    let summary = &report.summary;
    let mut lines = vec![format!(
        "As of {}: {} resources, {} of which reach their threshold within {} days. {} must be decided about within two weeks, {} are too big, \
         {} proposals wait for a decision.",
        report.as_of,
        summary.resources,
        summary.crossing_within_horizon,
        report.planning_horizon_days,
        summary.order_now,
        summary.oversized,
        summary.proposals_open
    )];
    let open = report.proposals.iter().filter(|proposal| proposal.decision.is_none());
    lines.extend(open.take(MOST_TOLD).map(|proposal| format!("* {}", told(report, proposal))));
    lines.join("\n")
}

/// How many assets there are, and what ends.
pub fn inventory_summary(report: &InventoryReport) -> String {
    let to_come = |ends: &[AssetEnd]| ends.iter().filter(|end| end.ends_on >= report.as_of).count();
    let contracts = report.contracts.iter().filter(|contract| contract.notice_on.is_some_and(|day| day >= report.as_of)).count();
    format!(
        "As of {}: {} assets. Within a year {} warranties and the support of {} assets end, and {} contracts must be thought of.",
        report.as_of,
        report.assets,
        to_come(&report.warranty_ends),
        to_come(&report.support_ends),
        contracts
    )
}

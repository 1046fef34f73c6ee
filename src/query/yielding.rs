//! Makes plans pause often enough to be ended.
//!
//! A task is ended, and lets others run, where it waits. Scans count their batches and wait now and then even if more is
//! there. A join makes any number of batches out of the few it has read, and whoever counts or groups them asks for the
//! next without a pause: such a query would go on for hours after its time is over. So joins count their batches too.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;

/// The plan with a pause after every so many batches of each operator that makes more rows than it reads.
pub(super) fn with_pauses(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let paused = plan.transform_up(|node| {
        let multiplies = node.name().contains("Join") || node.name() == "UnnestExec";
        Ok(match multiplies {
            true => Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>),
            false => Transformed::no(node),
        })
    })?;
    Ok(paused.data)
}

//! What the demonstration plans: a department and its inventory are set up, and every resource is judged.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::bar;
use crate::app::App;
use crate::clock::Stopwatch;
use crate::desk::Actor;
use crate::document::in_words;
use crate::inventory::{CsvOptions, InventoryKind, read_csv};
use crate::operations::ImportOptions;
use crate::report::{self, CapacityReport};

const DEPARTMENT: &str = include_str!("../../../sample-data/desk/department.toml");

/// What others refer to comes first.
const INVENTORY: [(InventoryKind, &[u8]); 5] = [
    (InventoryKind::Supplier, include_bytes!("../../../sample-data/inventory/suppliers.csv")),
    (InventoryKind::Asset, include_bytes!("../../../sample-data/inventory/assets.csv")),
    (InventoryKind::Contract, include_bytes!("../../../sample-data/inventory/contracts.csv")),
    (InventoryKind::Offer, include_bytes!("../../../sample-data/inventory/offers.csv")),
    (InventoryKind::Budget, include_bytes!("../../../sample-data/inventory/budgets.csv")),
];

/// What was planned.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) report: CapacityReport,
    pub(super) days: usize,
    pub(super) seconds: f64,
    /// The report as a page.
    pub(super) page: PathBuf,
}

/// Sets up, judges, and writes the report.
pub(super) async fn plan(app: &App, folder: &Path) -> anyhow::Result<Plan> {
    let actor = Actor { name: "demo".to_owned(), origin: "scheduler".to_owned() };
    let department = toml::from_str(DEPARTMENT).context("the sample department cannot be read")?;
    app.register.import(&department, false, &actor).await?;
    for (kind, bytes) in INVENTORY {
        let records = read_csv(kind, bytes, CsvOptions::default()).map_err(|wrong| anyhow!(in_words(&wrong)))?;
        // The prices of spring are kept on purpose.
        let options = ImportOptions { dry_run: false, take_expired: true };
        app.inventory.import(kind, &records, options, &actor).await?;
    }
    let stopwatch = Stopwatch::start();
    let progress = bar("judging resources", "percent", 100);
    let run = app.capacity.run(&|_, share| progress.set_position((100.0 * share) as u64)).await?;
    progress.finish_and_clear();
    let report = app.capacity.report("the demonstration", None).await?;
    let page = folder.join("capacity.html");
    std::fs::write(&page, report::html(&report)).with_context(|| format!("{} cannot be written", page.display()))?;
    Ok(Plan { report, days: run.days, seconds: stopwatch.elapsed_seconds(), page })
}

//! Whether somebody is always there, and who carries how much: asked of each rota.

use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::{Connection, json_of};
use crate::report::{DataTable, ReportedPeriod, Section, coverage_tables};

const JSON: &str = "application/json";

/// The tables of all rotas.
pub(super) async fn tables(connection: &Connection, period: &ReportedPeriod) -> anyhow::Result<[(Section, DataTable); 3]> {
    let (mut coverages, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/on-call?after={}", byte_serialize(after.as_bytes()).collect::<String>());
        let on_call = json_of(connection.get(&path, JSON).await?).await?;
        for rota in on_call["rotas"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let name = rota["rota"].as_str().unwrap_or_default().to_owned();
            let (from_us, to_us) = (period.from.as_microsecond(), period.to.as_microsecond());
            let path = format!("/api/v1/rotas/{name}/coverage?from_us={from_us}&to_us={to_us}");
            let coverage: Value = json_of(connection.get(&path, JSON).await?).await?;
            coverages.push((name, coverage));
        }
        match on_call["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return Ok(coverage_tables(&coverages)),
        }
    }
}

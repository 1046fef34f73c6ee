//! `/api/v1/openapi.json`.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The document, written by hand; the test below holds it against the table of routes.
const DOCUMENT: &str = include_str!("openapi.json");

/// The OpenAPI 3.1 description of every route.
pub(super) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::DOCUMENT;
    use crate::api::ROUTES;
    use crate::inventory::{InventoryKind, columns};
    use crate::operations::KINDS;

    #[test]
    fn the_document_has_every_route_with_its_scope_and_role_and_no_other() {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        let mut described = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters") {
                let scope = operation["security"][0]["token"][0].as_str().map(str::to_owned);
                assert!(operation["summary"].is_string() && operation["responses"].is_object(), "{method} {path}");
                let role = operation["x-least-role"].as_str().map(str::to_owned);
                described.insert((method.to_uppercase(), path.clone(), scope, role));
            }
        }
        let routes: BTreeSet<_> = ROUTES
            .iter()
            .map(|route| {
                let (scope, role) = (route.scope.map(|scope| scope.word().to_owned()), route.scope.map(|_| route.least.to_string()));
                (route.method.to_owned(), route.path.to_owned(), scope, role)
            })
            .collect();
        assert_eq!(described, routes);
    }

    #[test]
    fn every_kind_of_document_is_described() {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
        let kinds: BTreeSet<&str> = KINDS.iter().map(|kind| kind.word).collect();
        let export: BTreeSet<&str> =
            document["components"]["schemas"]["Setup"]["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(export, kinds);
        let stored = document["components"]["schemas"]["StoredDocument"]["properties"]["kind"]["enum"].as_array().unwrap();
        assert_eq!(stored.iter().filter_map(|kind| kind.as_str()).collect::<BTreeSet<_>>(), kinds);
        let documents = document["components"]["schemas"]["SetupDocument"]["anyOf"].as_array().unwrap();
        assert_eq!(documents.len(), kinds.len());
    }

    #[test]
    fn the_records_of_the_inventory_have_the_fields_that_their_columns_fill() {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
        let schemas = ["AssetRecord", "SupplierRecord", "ContractRecord", "OfferRecord", "BudgetRecord"];
        for (kind, name) in InventoryKind::ALL.iter().zip(schemas) {
            let schema = &document["components"]["schemas"][name];
            let described: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(described, columns(*kind).iter().map(|column| column.field).collect::<Vec<_>>(), "{name}");
            let required: Vec<&str> = columns(*kind).iter().filter(|column| column.is_required).map(|column| column.field).collect();
            assert_eq!(schema["required"], serde_json::json!(required), "{name}");
        }
    }

    /// What stands here, or where the reference leads.
    fn resolved<'d>(document: &'d Value, entry: &'d Value) -> &'d Value {
        match entry["$ref"].as_str() {
            Some(path) => document.pointer(path.trim_start_matches('#')).unwrap(),
            None => entry,
        }
    }

    fn has_example(document: &Value, entry: &Value) -> bool {
        let named = entry["examples"].as_object();
        let are_there = |it: &serde_json::Map<String, Value>| it.values().all(|it| resolved(document, it).get("value").is_some());
        entry.get("example").is_some() || named.is_some_and(|it| !it.is_empty() && are_there(it))
    }

    #[test]
    fn every_parameter_and_every_good_answer_in_json_has_an_example() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut without = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                // What every method of a path takes stands beside the methods.
                let parameters = if method == "parameters" { operation } else { &operation["parameters"] };
                for parameter in parameters.as_array().into_iter().flatten().map(|it| resolved(&document, it)) {
                    if !has_example(&document, parameter) {
                        without.push(format!("{method} {path}: {}", parameter["name"]));
                    }
                }
                let answers = operation["responses"].as_object().into_iter().flatten();
                for (status, answer) in answers.filter(|(status, _)| status.starts_with('2')) {
                    let json = &resolved(&document, answer)["content"]["application/json"];
                    if json.is_object() && !has_example(&document, json) {
                        without.push(format!("{method} {path}: {status}"));
                    }
                }
            }
        }
        assert!(without.is_empty(), "these have no example: {without:#?}");
    }
}

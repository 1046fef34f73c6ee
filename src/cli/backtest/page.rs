//! The back-test as one HTML page: findings a day, and each finding at its entity and time.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::report::PLAIN_STYLE;
use crate::report::escaped;

const WIDTH: f64 = 960.0;
const BARS_HEIGHT: f64 = 160.0;
const ROW_HEIGHT: f64 = 20.0;
const LEFT: f64 = 230.0;

/// Entities drawn; the table has them all.
const MAX_ROWS: usize = 40;

/// The page. Everything that comes from data is escaped.
pub(super) fn html(answer: &Value) -> String {
    let text = |key: &str| escaped(answer[key].as_str().unwrap_or_default());
    let findings: Vec<Point> = answer["findings"].as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Point::of).collect();
    let (from, to) = (seconds(&answer["from"]), seconds(&answer["to"]));
    let mut page = String::new();
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Back-test of {0}</title><style>{PLAIN_STYLE}</style><h1>Back-test of {0}</h1><p>{1}</p>\
         <p>{2} to {3}: <strong>{4}</strong> findings would have been <strong>{5}</strong> incidents, {6:.1} a week.</p>",
        text("rule"),
        text("description"),
        text("from"),
        text("to"),
        answer["found"],
        answer["incidents"],
        answer["incidents_a_week"].as_f64().unwrap_or(0.0),
    );
    if let (Some(from), Some(to)) = (from, to)
        && to > from
        && !findings.is_empty()
    {
        page.push_str("<h2>Findings a day</h2>");
        page.push_str(&bars(&findings, from, to));
        page.push_str("<h2>Where and when</h2>");
        page.push_str(&dots(&findings, from, to));
    }
    page.push_str("<h2>All findings</h2><table><tr><th>until (UTC)<th>finding<th>score</tr>");
    for point in &findings {
        let score = point.score.map_or_else(String::new, |score| format!("{score:.1}"));
        let _ = write!(page, "<tr><td>{}<td>{}<td>{score}</tr>", escaped(&point.until), escaped(&point.title));
    }
    page.push_str("</table></html>\n");
    page
}

struct Point {
    at: i64,
    until: String,
    entity: String,
    title: String,
    score: Option<f64>,
}

impl Point {
    fn of(finding: &Value) -> Option<Self> {
        let entity = finding["entity"].as_object()?.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        Some(Self {
            at: seconds(&finding["to"])?,
            until: text("to"),
            entity,
            title: text("title"),
            score: finding["result"]["score"].as_f64(),
        })
    }
}

fn seconds(value: &Value) -> Option<i64> {
    Some(value.as_str()?.parse::<jiff::Timestamp>().ok()?.as_second())
}

fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |at| at.strftime("%d %b").to_string())
}

/// A bar for each day.
fn bars(points: &[Point], from: i64, to: i64) -> String {
    let first = from.div_euclid(86_400);
    let days = (to.div_euclid(86_400) - first + 1).max(1);
    let mut counts = vec![0_u32; usize::try_from(days).unwrap_or(1)];
    for point in points {
        if let Some(count) = usize::try_from(point.at.div_euclid(86_400) - first).ok().and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let step = WIDTH / days as f64;
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"findings a day\">", BARS_HEIGHT + 24.0);
    for (index, count) in counts.iter().enumerate() {
        let (x, height) = (index as f64 * step, BARS_HEIGHT * f64::from(*count) / f64::from(most));
        let label = day((first + index as i64) * 86_400);
        let _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{label}: {count}</title></rect>",
            x + step * 0.1,
            BARS_HEIGHT - height,
            step * 0.8
        );
        if days <= 14 || index % (days as usize).div_ceil(12) == 0 {
            let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\">{label}</text>", BARS_HEIGHT + 16.0);
        }
    }
    let _ = write!(svg, "<text x=\"0\" y=\"12\">{most}</text></svg>");
    svg
}

/// A row for each entity, a dot for each finding.
fn dots(points: &[Point], from: i64, to: i64) -> String {
    let mut rows: BTreeMap<&str, Vec<&Point>> = BTreeMap::new();
    for point in points {
        rows.entry(&point.entity).or_default().push(point);
    }
    let mut order: Vec<_> = rows.into_iter().collect();
    order.sort_by_key(|(_, points)| std::cmp::Reverse(points.len()));
    let height = order.len().min(MAX_ROWS) as f64 * ROW_HEIGHT + 24.0;
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"findings by entity and time\">");
    for (row, (entity, points)) in order.iter().take(MAX_ROWS).enumerate() {
        let y = row as f64 * ROW_HEIGHT + ROW_HEIGHT / 2.0;
        let name: String = entity.chars().take(34).collect();
        let _ = write!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>");
        let _ = write!(svg, "<text x=\"0\" y=\"{:.1}\">{}</text>", y + 4.0, escaped(&name));
        for point in points {
            let x = LEFT + (WIDTH - LEFT - 6.0) * (point.at - from) as f64 / (to - from) as f64;
            let said = escaped(&format!("{} {}", point.until, point.title));
            let _ = write!(svg, "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y}\" r=\"4\"><title>{said}</title></circle>");
        }
    }
    for part in 0..=6 {
        let at = from + (to - from) * part / 6;
        let x = LEFT + (WIDTH - LEFT - 40.0) * part as f64 / 6.0;
        let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\">{}</text>", height - 6.0, day(at));
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_from_logs_is_text_and_never_markup() {
        let answer = json!({
            "rule": "r", "description": "d", "from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z", "found": 2, "incidents": 1,
            "findings": [
                { "to": "2026-11-02T00:05:00Z", "title": "<script>alert(1)</script>", "entity": { "host": "\"><b>" }, "result": { "score": 7.5 } },
                { "to": "2026-11-02T00:10:00Z", "title": "again", "entity": { "host": "\"><b>" }, "result": {} },
            ],
        });
        let page = html(&answer);
        assert!(!page.contains("<script>alert") && !page.contains("\"><b>") && page.contains("&lt;script&gt;"), "{page}");
        assert_eq!(page.matches("<circle").count(), 2);
        assert!(page.contains("02 Nov: 2") && page.contains("7.5"));
    }

    #[test]
    fn a_quiet_rule_has_a_page_too() {
        let answer = json!({ "rule": "r", "description": "d", "from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z", "found": 0, "incidents": 0, "findings": [] });
        assert!(html(&answer).contains("<strong>0</strong> findings"));
    }
}

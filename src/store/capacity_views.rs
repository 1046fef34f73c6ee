//! Capacity and proposals as SQL sees them.

use super::views::{StoreView, ViewColumn};

pub(super) const CAPACITY_RESOURCES: StoreView = StoreView {
    name: "capacity_resources",
    description: "one row a resource: how it stood when it was last judged; its days are in capacity_days",
    columns: &[
        ViewColumn::text("resource", "its id"),
        ViewColumn::text("question", "the question of queries/capacity that found it"),
        ViewColumn::text("kind", "what it is: filesystem, memory, cpu, ..."),
        ViewColumn::text("name", "the values of its entity, in a line"),
        ViewColumn::text("entity", "columns and values that tell it apart, as JSON"),
        ViewColumn::text("unit", "what its amounts are counted in"),
        ViewColumn::text(
            "status",
            "over_threshold, crosses, beyond_horizon, steady, shrinking, oversized, not_enough_history, limit_gone, no_limit or not_seen",
        ),
        ViewColumn::float("used", "in use on the last day"),
        ViewColumn::float("limit_value", "what there is"),
        ViewColumn::text("limit_source", "who says so: metric, policy, asset or question"),
        ViewColumn::float("threshold", "what is not to be reached"),
        ViewColumn::float("growth_per_day", "growth a day at the end of the history"),
        ViewColumn::timestamp(
            "lower_at",
            "the day by which the threshold is reached in (1 - level) / 2 of the futures; level is the capacity policy's, 0.95 unless it says another",
        ),
        ViewColumn::timestamp("median_at", "the same for half of them"),
        ViewColumn::timestamp("upper_at", "the same for (1 + level) / 2"),
        ViewColumn::float(
            "chance",
            "the chance that it is reached within the purchase policy's planning horizon (or the question's own), 0 to 1",
        ),
        ViewColumn::timestamp("order_by", "the last day to decide: lower_at less approval, delivery and installation"),
        ViewColumn::float(
            "needed",
            "limit to be added so that the threshold holds to the end of the purchase policy's planning horizon in (1 + level) / 2 of the futures",
        ),
        ViewColumn::float("fitting_limit", "the limit that the last quarter would have needed"),
        ViewColumn::integer("days", "days of history"),
        ViewColumn::timestamp("last_day", "the last of them"),
        ViewColumn::text("note", "what a person should know"),
        ViewColumn::timestamp("judged_at", "when it was judged"),
    ],
    selects: &["SELECT resource, question, kind, name, entity, unit, status, used, limit_value, limit_source, threshold, growth_per_day,
            lower_at_us, median_at_us, upper_at_us, chance, order_by_us, needed, fitting_limit, days, last_day_us, note, judged_at_us
        FROM capacity_resources"],
    order: "coalesce(order_by, 9223372036854775807), resource",
};

pub(super) const PROPOSALS: StoreView = StoreView {
    name: "proposals",
    description: "one row an upgrade proposal",
    columns: &[
        ViewColumn::integer("number", "its number"),
        ViewColumn::text("resource", "the resource's id"),
        ViewColumn::text("kind", "the kind of resource"),
        ViewColumn::text("title", "one line"),
        ViewColumn::text("state", "open, approved, deferred, rejected, withdrawn or delivered"),
        ViewColumn::timestamp("order_by", "the last day to decide"),
        ViewColumn::text("best", "the option that comes first"),
        ViewColumn::text("chosen", "the option that was approved"),
        ViewColumn::text("budget_line", "the budget that pays"),
        ViewColumn::integer("committed_minor", "what of it is committed, in minor units"),
        ViewColumn::text("currency", "the currency of that"),
        ViewColumn::integer("ticket", "the change ticket"),
        ViewColumn::timestamp("opened_at", "when it was made"),
        ViewColumn::timestamp("updated_at", "when it last changed"),
    ],
    selects: &["SELECT number, resource, kind, title, state, order_by_us, options ->> '$.options[0].title',
            options ->> ('$.options[' || (chosen - 1) || '].title'), budget_line, committed_minor, currency, ticket, opened_at_us, updated_at_us
        FROM proposals"],
    order: "number DESC",
};

pub(super) const SUPPLY_DELIVERIES: StoreView = StoreView {
    name: "supply_deliveries",
    description: "one row a delivery of something that was approved: how long suppliers take",
    columns: &[
        ViewColumn::integer("proposal", "the proposal"),
        ViewColumn::text("supplier", "who delivered"),
        ViewColumn::text("offer", "the offer"),
        ViewColumn::text("item", "what it was"),
        ViewColumn::text("ordered_on", "the day of the approval"),
        ViewColumn::text("delivered_on", "the day on which it came"),
        ViewColumn::integer("paid_minor", "what was paid, in minor units"),
        ViewColumn::text("currency", "the currency of that"),
        ViewColumn::timestamp("noted_at", "when it was recorded"),
        ViewColumn::text("noted_by", "by whom"),
    ],
    selects: &["SELECT proposal, supplier, offer, item, ordered_on, delivered_on, paid_minor, currency, noted_at_us, noted_by
        FROM supply_deliveries"],
    order: "noted_at DESC, proposal DESC",
};

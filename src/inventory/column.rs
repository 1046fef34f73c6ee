//! The columns of each kind: the one table behind CSV files, their help, and the API's description.

use super::InventoryKind;
use super::word::{AssetState, CostPer, Criticality, OfferAction};

/// What stands in the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Any text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number, 0 or more.
    Whole,
    /// A year of four digits.
    Year,
    /// A number with or without decimals, more than 0.
    Number,
    /// `2026-12-24`.
    Day,
    /// `yes` or `no`.
    Flag,
    /// A code of ISO 4217.
    Currency,
    /// An amount in major units of the row's `currency`.
    Money,
    /// Texts separated by `|`.
    List,
    /// Volume steps, `10=95.00|20=90.00`: from so many pieces on, the price of one.
    Steps,
}

/// A column of a CSV file.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// The field of the record that it fills.
    pub field: &'static str,
    /// What stands in it.
    pub column_type: ColumnType,
    /// Whether every row must have it.
    pub is_required: bool,
    /// What it is, in one line, with its unit.
    pub description: &'static str,
}

/// Heading of the first column of every kind.
pub const NAME_COLUMN: &str = "name";

const fn needed(name: &'static str, column_type: ColumnType, description: &'static str) -> Column {
    Column { name, field: name, column_type, is_required: true, description }
}

const fn given(name: &'static str, column_type: ColumnType, description: &'static str) -> Column {
    Column { name, field: name, column_type, is_required: false, description }
}

/// Amounts have no `_minor` in their headings: people write 95.00 and not 9500.
const fn money(name: &'static str, field: &'static str, is_required: bool, description: &'static str) -> Column {
    Column { name, field, column_type: ColumnType::Money, is_required, description }
}

use ColumnType::{Currency, Day, Flag, List, Number, Steps, Text, Whole, Word, Year};

const ASSETS: &[Column] = &[
    needed("kind", Text, "What it is: server, switch, disk, volume, licence; a-z, 0-9 and _"),
    given("description", Text, "In people's words"),
    given("model", Text, "Maker and model"),
    given("serial", Text, "The maker's serial number"),
    given("host", Text, "The host as logs and metrics name it, if that is not the asset's name"),
    given("place", Text, "Where it stands"),
    given("service", Text, "The service of the setup that it works for"),
    given("team", Text, "The team that looks after it"),
    given("criticality", Word(Criticality::WORDS), "How much hangs on it; medium unless given"),
    given("depends_on", List, "Assets that it does not work without"),
    given("state", Word(AssetState::WORDS), "What it does just now; in_use unless given"),
    given("bought_on", Day, "When it was bought"),
    money("cost", "cost_minor", false, "What it cost"),
    given("currency", Currency, "Currency of the cost"),
    given("supplier", Text, "Who sold it"),
    given("warranty_until", Day, "The last day of its warranty"),
    given("support_until", Day, "The last day on which its maker supports it"),
    given("expected_life_months", Whole, "How long it is to be used, months from the day it was bought"),
    given("spare_parts", Whole, "Spare parts in stock, pieces"),
    given("resource_kind", Text, "Which resource it holds: filesystem, memory, licence"),
    given("capacity", Number, "How much of that resource, in the unit"),
    given("unit", Text, "What the capacity is counted in: GiB, cores, licences"),
];

const SUPPLIERS: &[Column] = &[
    given("description", Text, "What they deliver"),
    given("contact", Text, "Whom to ask for"),
    given("email", Text, "Where mail reaches them"),
    given("phone", Text, "Where a call reaches them"),
    given("lead_time_days", Whole, "Days from order to delivery, as promised"),
    given("response_time", Text, "How soon they answer, as agreed: 4h"),
    given("resolution_time", Text, "How soon it works again, as agreed: 2d"),
    given("customer_number", Text, "Our number with them"),
];

const CONTRACTS: &[Column] = &[
    needed("supplier", Text, "With whom"),
    given("description", Text, "About what"),
    needed("starts_on", Day, "Its first day"),
    given("ends_on", Day, "The last day of its first term; without one it goes on until notice is given"),
    given("notice_days", Whole, "Notice must be given so many days before the end"),
    given("auto_renews", Flag, "Whether it goes on by itself when nobody gives notice; no unless given"),
    given("renewal_months", Whole, "For how long it goes on then, months"),
    money("cost", "cost_minor", true, "What it costs each time"),
    needed("currency", Currency, "Currency of the cost"),
    needed("cost_per", Word(CostPer::WORDS), "How often the cost comes"),
    given("assets", List, "Assets that it covers"),
    given("service", Text, "The service of the setup that needs it"),
    given("owner", Text, "The team that gets the ticket before the notice date"),
    given("remind_days", Whole, "Days before the notice date at which that ticket comes; 30 unless given"),
];

const OFFERS: &[Column] = &[
    needed("supplier", Text, "Whose it is"),
    needed("item", Text, "What it is: the same thing has the same word in every offer"),
    given("description", Text, "In people's words"),
    needed("resource_kind", Text, "Which resources it is for: filesystem, memory"),
    given("resources", List, "Names of resources that it fits, db* for all that begin so; every one of the kind unless given"),
    given("action", Word(OfferAction::WORDS), "Whether a piece comes on top or replaces what is there; add unless given"),
    needed("capacity", Number, "What one piece adds, or has in all if it replaces; in the unit, more than 0"),
    needed("unit", Text, "What the capacity is counted in: GiB, TB, cores"),
    money("one_off", "one_off_minor", false, "Price of one piece"),
    money("running", "running_minor", false, "Running cost of one piece"),
    given("running_per", Word(CostPer::WORDS), "How often the running cost comes; month unless given"),
    needed("currency", Currency, "Currency of all its prices"),
    given("steps", Steps, "Cheaper prices of one piece: 10=95.00|20=90.00 is 95.00 from 10 pieces on and 90.00 from 20"),
    given("min_quantity", Whole, "Fewest pieces of an order; 1 unless given"),
    given("max_quantity", Whole, "Most pieces of an order"),
    given("delivery_days", Whole, "Days from order to delivery; the supplier's lead time unless given"),
    given("installation_days", Whole, "Days from delivery to use"),
    given("offered_on", Day, "When it was made"),
    needed("valid_until", Day, "The last day on which it can be taken"),
    given("term_months", Whole, "How long it is used or bound, months"),
    given("support_level", Text, "The support that comes with it"),
    given("support_until", Day, "The last day of that support"),
];

const BUDGETS: &[Column] = &[
    needed("year", Year, "The year"),
    needed("line", Text, "The purpose, in the words of the budget"),
    given("description", Text, "In people's words"),
    needed("currency", Currency, "Currency of the line"),
    money("planned", "planned_minor", true, "What is planned"),
    given("resource_kinds", List, "Kinds of resources that are paid out of it; anything unless given"),
    given("owner", Text, "The team or person that answers for it"),
];

/// The columns of a kind after its name, in the order of the file.
pub fn columns(kind: InventoryKind) -> &'static [Column] {
    match kind {
        InventoryKind::Asset => ASSETS,
        InventoryKind::Supplier => SUPPLIERS,
        InventoryKind::Contract => CONTRACTS,
        InventoryKind::Offer => OFFERS,
        InventoryKind::Budget => BUDGETS,
    }
}

/// The heading of the column that a complaint about a field belongs to: `steps` for `steps[1].from`.
pub(super) fn heading_of(kind: InventoryKind, field: &str) -> &str {
    let top = field.split(['[', '.']).next().unwrap_or(field);
    columns(kind).iter().find(|column| column.field == top).map_or(top, |column| column.name)
}

//! CSV files, good and bad.

use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::document::Complaint;

fn read(kind: InventoryKind, text: &str) -> Result<Vec<ImportedRecord>, Vec<Complaint>> {
    read_csv(kind, text.as_bytes(), CsvOptions::default())
}

fn complaints(kind: InventoryKind, text: &str) -> Vec<String> {
    read(kind, text).unwrap_err().iter().map(Complaint::to_string).collect()
}

const OFFERS: &str = "name,supplier,item,resource_kind,resources,capacity,unit,one_off,running,currency,steps,valid_until\n\
    A-1,acme,ssd-4tb,filesystem,db*|files01,4,TB,400.00,1.5,EUR,4=380.00|8=350,2026-12-31\n";

#[test]
fn a_file_becomes_records() {
    let records = read(InventoryKind::Offer, OFFERS).unwrap();
    let Record::Offer(offer) = &records[0].record else { panic!("an offer") };
    assert_eq!((records[0].place, records[0].name.as_str()), (Place::Line(2), "A-1"));
    assert_eq!((offer.one_off_minor, offer.running_minor, offer.capacity), (40_000, 150, 4.0));
    assert_eq!(offer.steps, [VolumeStep { from: 4, one_off_minor: 38_000 }, VolumeStep { from: 8, one_off_minor: 35_000 }]);
    assert_eq!(offer.resources, ["db*", "files01"]);
    assert_eq!((offer.min_quantity, offer.delivery_days), (1, None), "an empty or missing cell is not given");
}

#[test]
fn every_wrong_cell_is_told_with_line_and_column() {
    let text = "name,supplier,item,resource_kind,capacity,unit,one_off,currency,valid_until\n\
        a,acme,x,filesystem,-4,TB,10.00,EUR,2026-02-30\n\n\
        b,acme,x,filesystem,4,TB,10.005,EURO,31.12.2026\n\
        c,,x,File System,four,TB,\"1.299,50\",EUR,2026-12-31\n\
        a,acme,x,filesystem,4,TB,-1,EUR,2026-12-31\n\
        d,acme,x\n";
    let told = complaints(InventoryKind::Offer, text);
    let places: Vec<&str> = told.iter().map(|line| line.split('`').nth(1).unwrap()).collect();
    let expected = [
        "line 2, column capacity",
        "line 2, column valid_until",
        "line 4, column one_off",
        "line 4, column currency",
        "line 4, column valid_until",
        "line 5, column supplier",
        "line 5, column capacity",
        "line 5, column one_off",
        "line 6, column name",
        "line 6, column one_off",
        "line 7",
    ];
    assert_eq!(places, expected, "{told:#?}");
    for (at, word) in [
        (0, "more than 0"),
        (1, "2026-12-24"),
        (3, "ISO 4217"),
        (4, "2026-12-24"),
        (5, "whose it is"),
        (7, "decimal=,"),
        (8, "line 2"),
        (9, "negative"),
        (10, "3 cells"),
    ] {
        assert!(told[at].contains(word), "{}: {word}", told[at]);
    }
}

#[test]
fn what_the_record_complains_of_is_told_by_column() {
    let text = OFFERS.replace("4=380.00|8=350", "4=400.00|3=390.00");
    let told = complaints(InventoryKind::Offer, &text);
    assert!(told.iter().all(|line| line.starts_with("`line 2, column steps`")) && told.len() == 2, "{told:?}");
    let budget = "name,year,line,currency,planned\na,99999,storage,EUR,1.00\nb,1027,storage,EUR,1.00\n";
    let told = complaints(InventoryKind::Budget, budget);
    assert!(told[0].contains("column year`: `99999` is no year") && told[1].contains("2000 to 2200"), "{told:?}");
    let asset = "name,kind,cost\nsw1,switch,100.00\n";
    assert!(complaints(InventoryKind::Asset, asset)[0].starts_with("`line 2, column currency`"));
}

#[test]
fn wrong_headings_are_told_at_once() {
    let told = complaints(InventoryKind::Supplier, "phone,fax,phone\n1,2,3\n");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("line 1, column 2") && told[0].contains("name,description,contact"), "{told:?}");
    assert!(told[1].contains("twice") && told[2].contains("`name` is missing"), "{told:?}");
    assert!(complaints(InventoryKind::Supplier, "")[0].contains("the file is empty"));
    assert_eq!(read(InventoryKind::Supplier, "name,phone\n,\n ,,,\n").unwrap(), [], "a file without records imports nothing");
}

#[test]
fn other_ways_of_writing_are_named_and_read() {
    let text = "name;kind;place;cost;currency\nsw1;switch;Z\u{fc}rich;1299,50;CHF\n";
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let mut options = CsvOptions::default();
    let told = |options| read_csv(InventoryKind::Asset, &latin, options).unwrap_err()[0].to_string();
    assert!(told(options).contains("charset=latin-1"), "{}", told(options));
    options.charset = "latin-1".parse().unwrap();
    assert!(told(options).contains("delimiter=;"), "{}", told(options));
    options.delimiter = ";".parse().unwrap();
    assert!(told(options).contains("decimal=,"), "{}", told(options));
    options.decimal = ",".parse().unwrap();
    let records = read_csv(InventoryKind::Asset, &latin, options).unwrap();
    let Record::Asset(asset) = &records[0].record else { panic!("an asset") };
    assert_eq!((asset.place.as_deref(), asset.cost_minor), (Some("Zürich"), Some(129_950)));
}

#[test]
fn a_hundred_complaints_are_told_and_the_others_counted() {
    let rows: String = (0..250).map(|at| format!("a{at},KIND\n")).collect();
    let told = complaints(InventoryKind::Asset, &format!("name,kind\n{rows}"));
    assert_eq!(told.len(), 101);
    assert!(told[100].contains("150 more"), "{}", told[100]);
}

#[test]
fn lines_are_counted_over_empty_ones_and_breaks_in_cells() {
    let text = "name,description\r\n\r\n\r\na,\"one\r\ntwo\"\r\n\r\nb,\u{7}\r\n";
    let told = complaints(InventoryKind::Supplier, text);
    assert!(told[0].starts_with("`line 4, ") && told[1].starts_with("`line 7, "), "{told:?}");
}

#[test]
fn every_field_of_a_record_has_a_column() {
    for kind in InventoryKind::ALL {
        for column in columns(*kind) {
            assert!(column.description.len() > 5 && !column.description.ends_with('.'), "{}", column.name);
        }
        let unknown = Record::read(*kind, serde_json::json!({"no such field": 1})).unwrap_err()[0].why.clone();
        let fields: Vec<&str> = unknown.split('`').skip(3).step_by(2).collect();
        let named: Vec<&str> = columns(*kind).iter().map(|column| column.field).collect();
        assert_eq!(named, fields, "{unknown}");
    }
}

#[test]
fn no_cell_is_a_formula_for_a_spreadsheet() {
    let text = "name,phone,description\n'=1+1,'+43 1 5,it's\n";
    let records = read(InventoryKind::Supplier, text).unwrap();
    let Record::Supplier(supplier) = &records[0].record else { panic!("a supplier") };
    assert_eq!((records[0].name.as_str(), supplier.phone.as_deref(), supplier.description.as_str()), ("=1+1", Some("+43 1 5"), "it's"));
    let written = write_csv(InventoryKind::Supplier, [("=1+1", &records[0].record)]).unwrap();
    assert!(written.contains("\n'=1+1,it's,,,'+43 1 5,"), "{written}");
}

fn word() -> impl Strategy<Value = String> {
    "[a-z0-9_]{1,12}"
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Zé,;\"'=+@€0-9-][a-zA-Zé ,;\"'=€0-9]{0,20}[a-z,;\"]"
}

fn day() -> impl Strategy<Value = jiff::civil::Date> {
    (0_i64..30_000).prop_map(|days| date(2000, 1, 1).checked_add(days.days()).unwrap())
}

fn currency() -> impl Strategy<Value = Currency> {
    proptest::sample::select(vec!["EUR", "JPY", "KWD"]).prop_map(|code| code.parse().unwrap())
}

prop_compose! {
    fn offers()(
        supplier in text(), item in text(), description in text(), kind in word(), capacity in 0.001_f64..1e15, unit in text(),
        price in 1_000_i64..10_000_000, running in 0_i64..1_000_000, currency in currency(), steps in 0_u32..5,
        (valid, offered, resources) in (day(), proptest::option::of(0_i64..100), proptest::collection::btree_set(text(), 0..4)),
    ) -> Offer {
        Offer {
            supplier, item, description, resource_kind: kind, resources: resources.into_iter().collect(), action: OfferAction::Replace,
            capacity, unit, one_off_minor: price, running_minor: running, running_per: CostPer::Quarter, currency,
            steps: (0..steps).map(|step| VolumeStep { from: 2 + step, one_off_minor: price - 1 - i64::from(step) }).collect(),
            min_quantity: 1, max_quantity: Some(20), delivery_days: None, installation_days: 3,
            offered_on: offered.map(|days| valid.checked_sub(days.days()).unwrap()), valid_until: valid, term_months: Some(36),
            support_level: None, support_until: Some(valid),
        }
    }
}

prop_compose! {
    fn contracts()(supplier in text(), starts_on in day(), renews in any::<bool>(), cost_minor in 0_i64..1_000_000, currency in currency()) -> Contract {
        Contract {
            supplier, description: String::new(), starts_on, ends_on: Some(starts_on), notice_days: 30, auto_renews: renews,
            renewal_months: renews.then_some(12), cost_minor, currency, cost_per: CostPer::Year, assets: vec!["a".to_owned()],
            service: None, owner: Some("ops".to_owned()), remind_days: 5,
        }
    }
}

proptest! {
    #[test]
    fn what_is_exported_is_imported_alike(offers in proptest::collection::vec(offers(), 0..5), contracts in proptest::collection::vec(contracts(), 0..5)) {
        for (kind, records) in [
            (InventoryKind::Offer, offers.into_iter().map(Record::Offer).collect::<Vec<_>>()),
            (InventoryKind::Contract, contracts.into_iter().map(Record::Contract).collect()),
        ] {
            let named: Vec<(String, Record)> = records.into_iter().enumerate().map(|(at, record)| (format!("r {at}"), record)).collect();
            let text = write_csv(kind, named.iter().map(|(name, record)| (name.as_str(), record))).unwrap();
            let back = read(kind, &text).map_err(|complaints| TestCaseError::fail(format!("{complaints:?}\n{text}")))?;
            prop_assert_eq!(back.into_iter().map(|it| (it.name, it.record)).collect::<Vec<_>>(), named);
        }
    }

    #[test]
    fn no_file_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "(name,kind,cost,currency\n)?[-a-z0-9,;|=.\"\n\r\té]{0,200}") {
        for kind in InventoryKind::ALL {
            let _ = read_csv(*kind, &bytes, CsvOptions::default());
            let _ = read_csv(*kind, &bytes, CsvOptions { charset: Charset::Latin1, ..CsvOptions::default() });
            let _ = read_csv(*kind, text.as_bytes(), CsvOptions::default());
        }
    }
}

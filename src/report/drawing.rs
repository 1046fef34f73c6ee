//! What all drawings are made of: lines, words, the legend, and the places of labels.

use super::html::{Element, coordinate, name, shortened};

/// Width of every drawing, in its own units.
pub(super) const WIDTH: f64 = 960.0;

/// Height of a line of words.
pub(super) const LINE_HEIGHT: f64 = 15.0;

/// Width of a character: a little more than the mean of wide typefaces at the size of the words of a drawing.
const CHARACTER_WIDTH: f64 = 7.2;

/// Width of a sample in the legend, and between its entries.
const SAMPLE: f64 = 26.0;
const BETWEEN: f64 = 18.0;

/// Height of a row of the legend.
const ROW: f64 = 19.0;

/// An empty drawing with its texts for those who do not see it.
pub(super) fn drawing(id: &str, title: &str, description: &str, height: f64) -> Element {
    Element::new("svg")
        .with("id", id)
        .with("viewBox", format!("0 0 {WIDTH} {height:.0}"))
        .with("role", "img")
        .with("aria-labelledby", format!("{id}-title {id}-desc"))
        .child(Element::new("title").with("id", format!("{id}-title")).text(title))
        .child(Element::new("desc").with("id", format!("{id}-desc")).text(description))
}

/// A straight line.
pub(super) fn line(class: &'static str, x1: f64, y1: f64, x2: f64, y2: f64) -> Element {
    Element::new("line").class(class).at("x1", x1).at("y1", y1).at("x2", x2).at("y2", y2)
}

/// A rectangle; a width below nothing is none.
pub(super) fn rectangle(class: &'static str, x: f64, y: f64, width: f64, height: f64) -> Element {
    Element::new("rect").class(class).at("x", x).at("y", y).at("width", width.max(0.0)).at("height", height.max(0.0))
}

/// Words. The class says where the place lies in them.
pub(super) fn text(class: &'static str, x: f64, y: f64, words: &str) -> Element {
    let element = Element::new("text").at("x", x).at("y", y);
    if class.is_empty() { element.text(words) } else { element.class(class).text(words) }
}

/// About how wide words are.
pub(super) fn text_width(words: &str) -> f64 {
    words.chars().count() as f64 * CHARACTER_WIDTH
}

/// Places, in ascending order, moved so that they lie at least so far apart, and within bounds if there is room for them.
pub(super) fn spread(mut places: Vec<f64>, apart: f64, from: f64, to: f64) -> Vec<f64> {
    let mut least = from;
    for place in &mut places {
        *place = place.max(least);
        least = *place + apart;
    }
    let mut most = to;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - apart;
    }
    places
}

/// What the shapes of a drawing mean.
#[derive(Debug, Clone, Default)]
pub(super) struct Legend {
    entries: Vec<(Sample, String)>,
}

#[derive(Debug, Clone, Copy)]
enum Sample {
    Area(&'static str),
    Line(&'static str),
    Interval,
    Said { outside: bool },
    Triangle,
}

impl Legend {
    /// An area.
    pub(super) fn area(&mut self, class: &'static str, name: &str) {
        self.entries.push((Sample::Area(class), name.to_owned()));
    }

    /// A line.
    pub(super) fn line(&mut self, class: &'static str, name: &str) {
        self.entries.push((Sample::Line(class), name.to_owned()));
    }

    /// An interval of days.
    pub(super) fn interval(&mut self, name: &str) {
        self.entries.push((Sample::Interval, name.to_owned()));
    }

    /// What was said earlier.
    pub(super) fn said(&mut self, name: &str, outside: bool) {
        self.entries.push((Sample::Said { outside }, name.to_owned()));
    }

    /// The mark of a day.
    pub(super) fn triangle(&mut self, name: &str) {
        self.entries.push((Sample::Triangle, name.to_owned()));
    }

    /// The row and the left end of each entry.
    fn places(&self) -> Vec<(usize, f64)> {
        let (mut row, mut x) = (0, 0.0);
        let mut places = Vec::new();
        for (_, name) in &self.entries {
            let width = SAMPLE + 6.0 + text_width(name);
            if x > 0.0 && x + width > WIDTH {
                row += 1;
                x = 0.0;
            }
            places.push((row, x));
            x += width + BETWEEN;
        }
        places
    }

    /// How high it is.
    pub(super) fn height(&self) -> f64 {
        self.places().last().map_or(0.0, |(row, _)| (row + 1) as f64 * ROW)
    }

    /// The legend, from this height downwards.
    pub(super) fn element(&self, top: f64) -> Element {
        let mut drawn = Element::group();
        for ((sample, name), (row, x)) in self.entries.iter().zip(self.places()) {
            let y = top + row as f64 * ROW + ROW / 2.0;
            drawn.push(sample.element(x, y));
            drawn.push(text("", x + SAMPLE + 6.0, y + 4.0, name));
        }
        drawn
    }
}

impl Sample {
    fn element(self, x: f64, y: f64) -> Element {
        let middle = x + SAMPLE / 2.0;
        match self {
            Self::Area(class) => rectangle(class, x, y - 6.0, SAMPLE, 12.0),
            Self::Line(class) => line(class, x, y, x + SAMPLE, y),
            Self::Interval => Element::group()
                .child(line("crossing", x, y, x + SAMPLE, y))
                .child(Element::new("circle").class("dot").at("cx", middle).at("cy", y).at("r", 5.0)),
            Self::Said { outside: false } => Element::group()
                .child(line("said", middle, y - 7.0, middle, y + 7.0))
                .child(Element::new("circle").class("said").at("cx", middle).at("cy", y).at("r", 3.0)),
            Self::Said { outside: true } => {
                Element::new("path").class("said").with("d", format!("M{:.1} {:.1}l7 7m0 -7l-7 7", middle - 3.5, y - 3.5))
            }
            Self::Triangle => triangle(middle, y - 5.0),
        }
    }
}

/// A triangle that points down, with its tip below this place.
pub(super) fn triangle(x: f64, y: f64) -> Element {
    let (left, top) = (coordinate(x - 6.0), coordinate(y));
    Element::new("path").class("order-mark").with("d", format!("M{left} {top}h12l-6 10Z"))
}

/// Bars under one another, the first at the top: a name, a length, and the words beside it.
pub fn bars(id: &str, title: &str, rows: &[(String, f64, String)], whole: Option<f64>) -> Element {
    const ROW_HEIGHT: f64 = 20.0;
    const LEFT: f64 = 260.0;
    const RIGHT: f64 = 130.0;
    const MAX_BARS: usize = 40;
    let longest = rows.iter().map(|(_, length, _)| *length).filter(|length| length.is_finite()).fold(0.0, f64::max);
    let whole = whole.unwrap_or(longest);
    if whole <= 0.0 || !whole.is_finite() {
        return Element::group();
    }
    let shown = rows.len().min(MAX_BARS);
    let said: Vec<String> = rows.iter().take(shown).map(|(who, _, words)| format!("{}: {words}", name(who))).collect();
    let height = shown as f64 * ROW_HEIGHT;
    let mut svg = drawing(id, title, &said.join("; "), height).child(line("grid", LEFT, 0.0, LEFT, height));
    for (row, (who, length, words)) in rows.iter().take(shown).enumerate() {
        let y = row as f64 * ROW_HEIGHT;
        let length = if length.is_finite() { (length / whole).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT) } else { 0.0 };
        svg.push(text("", 0.0, y + 14.0, &shortened(who, 36)));
        svg.push(rectangle("bar", LEFT, y + 3.0, length, ROW_HEIGHT - 6.0));
        svg.push(text("", LEFT + length + 6.0, y + 14.0, &shortened(words, 18)));
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::escaped;

    #[test]
    fn labels_keep_apart_and_stay_inside() {
        assert_eq!(spread(vec![0.0, 1.0, 50.0, 99.0, 100.0], 10.0, 0.0, 100.0), [0.0, 10.0, 50.0, 90.0, 100.0]);
        assert_eq!(spread(Vec::new(), 10.0, 0.0, 100.0), Vec::<f64>::new());
    }

    #[test]
    fn a_legend_goes_on_in_the_next_row() {
        let mut legend = Legend::default();
        for _ in 0..8 {
            legend.line("line", "a name of some length");
        }
        assert_eq!(legend.height(), 2.0 * ROW);
        assert!(legend.places().iter().all(|(_, x)| x + SAMPLE + 6.0 + text_width("a name of some length") <= WIDTH));
    }

    #[test]
    fn the_longest_bar_fills_the_room_and_half_of_it_is_half_as_long() {
        let row = |name: &str, length: f64| (name.to_owned(), length, format!("{length}"));
        let svg = bars("b", "Calls", &[row("ines", 4.0), row("<omar>", 2.0), row("lena", f64::NAN)], None).to_string();
        assert!(svg.contains("width=\"570\"") && svg.contains("width=\"285\"") && svg.contains("width=\"0\""), "{svg}");
        assert!(svg.contains(&escaped("<omar>")) && !svg.contains("<omar>"), "{svg}");
        assert!(bars("b", "Kept", &[row("ops", 50.0)], Some(100.0)).to_string().contains("width=\"285\""));
        assert!(bars("b", "None", &[row("ops", 0.0)], None).is_empty());
    }
}

//! Plots over time as SVG: bands, lines, levels, marked days, intervals. Whatever the numbers are, nothing is drawn outside of
//! the drawing, no two labels lie on one another, and there is a text for those who do not see it.

use jiff::civil::Date;

use super::dates::{self, days_between};
use super::drawing::{LINE_HEIGHT, Legend, WIDTH, drawing, line, spread, text, text_width};
use super::html::{Element, coordinate, shortened};
use super::units::Unit;

/// Height of what lies between the axes.
const HEIGHT: f64 = 270.0;

/// Room for the numbers at the left, and for the names of levels at the right.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 150.0;

/// Room for the names of the months.
const AXIS: f64 = 22.0;

/// Values that the left axis names.
const VALUES: usize = 6;

/// Points of a line: more than the drawing has columns of pixels are not seen.
const MAX_POINTS: usize = 900;

/// How far what is only possible may stretch the drawing, as a share of what is certain: a forecast that spreads to the sky would
/// press everything else onto the ground.
const STRETCH: f64 = 0.5;

/// Characters of a label at the right.
const MAX_LABEL_CHARS: usize = 21;

/// What was said about a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said {
    /// The day.
    pub day: Date,
    /// What was expected.
    pub value: f64,
    /// The interval.
    pub interval: (f64, f64),
    /// Whether what came lay in it, if anything came.
    pub held: Option<bool>,
}

/// What lies in a plot, from the bottom to the top.
#[derive(Debug, Clone)]
enum Layer {
    Band { points: Vec<(Date, f64, f64)>, class: &'static str, soft: bool },
    Line { points: Vec<(Date, Option<f64>)>, class: &'static str, soft: bool },
    Level { value: f64, class: &'static str },
    Interval { level: f64, from: Option<Date>, median: Option<Date>, to: Option<Date> },
    Said(Vec<Said>),
}

/// A plot over days.
#[derive(Debug, Clone)]
pub struct Plot {
    title: String,
    description: String,
    unit: Unit,
    from: Date,
    to: Date,
    layers: Vec<Layer>,
    labels: Vec<(f64, String)>,
    marks: Vec<(Date, &'static str, String)>,
    legend: Legend,
}

/// Where values and days lie.
struct Frame {
    from: Date,
    days: f64,
    low: f64,
    high: f64,
    top: f64,
}

impl Plot {
    /// An empty plot of these days. The description is what it shows, in sentences.
    pub fn new(title: &str, description: &str, unit: Unit, from: Date, to: Date) -> Self {
        let legend = Legend::default();
        let (title, description) = (title.to_owned(), description.to_owned());
        Self { title, description, unit, from, to, layers: Vec::new(), labels: Vec::new(), marks: Vec::new(), legend }
    }

    /// An area between two values a day. One that is `soft` does not decide how high the plot is.
    pub fn band(&mut self, points: Vec<(Date, f64, f64)>, class: &'static str, soft: bool, name: &str) {
        let points: Vec<_> = points.into_iter().filter(|(_, low, high)| low.is_finite() && high.is_finite()).collect();
        if !points.is_empty() {
            self.legend.area(class, name);
            self.layers.push(Layer::Band { points: thinned(points), class, soft });
        }
    }

    /// A value a day; the line is interrupted where there is none. Without a name it is not in the legend.
    pub fn line(&mut self, points: Vec<(Date, Option<f64>)>, class: &'static str, soft: bool, name: &str) {
        let points: Vec<_> = points.into_iter().map(|(day, value)| (day, value.filter(|value| value.is_finite()))).collect();
        if points.iter().any(|(_, value)| value.is_some()) {
            if !name.is_empty() {
                self.legend.line(class, name);
            }
            self.layers.push(Layer::Line { points: thinned(points), class, soft });
        }
    }

    /// A value that holds on all days, named at the right.
    pub fn level(&mut self, value: f64, class: &'static str, name: &str) {
        if value.is_finite() {
            self.name_level(value, name);
            self.layers.push(Layer::Level { value, class });
        }
    }

    /// The name of a value, at the right.
    pub fn name_level(&mut self, value: f64, name: &str) {
        if value.is_finite() {
            self.labels.push((value, shortened(&format!("{name} {}", self.unit.brief(value)), MAX_LABEL_CHARS)));
        }
    }

    /// A day, named at the top; one that the plot does not show is left out.
    pub fn mark(&mut self, day: Date, class: &'static str, name: &str) {
        if (self.from..=self.to).contains(&day) {
            self.marks.push((day, class, name.to_owned()));
        }
    }

    /// When a level is reached: an interval on it, and the day that is as likely too early as too late. A missing end lies
    /// beyond the plot.
    pub fn interval(&mut self, level: f64, days: [Option<Date>; 3], name: &str) {
        let [from, median, to] = days;
        if level.is_finite() && from.is_some_and(|from| from <= self.to) {
            self.legend.interval(name);
            self.layers.push(Layer::Interval { level, from, median, to });
        }
    }

    /// What was said earlier about days of the past.
    pub fn said(&mut self, said: Vec<Said>, name: &str) {
        let finite = |said: &Said| said.value.is_finite() && said.interval.0.is_finite() && said.interval.1.is_finite();
        let said: Vec<Said> = said.into_iter().filter(finite).collect();
        if said.is_empty() {
            return;
        }
        self.legend.said(name, false);
        if said.iter().any(|said| said.held == Some(false)) {
            self.legend.said("what came lay outside", true);
        }
        self.layers.push(Layer::Said(said));
    }

    /// The drawing. The id is one that the page has once.
    pub fn svg(&self, id: &str) -> Element {
        let (marks, rows) = self.marks_laid_out();
        let top = rows as f64 * LINE_HEIGHT + 8.0;
        let (low, high) = self.values();
        let frame = Frame { from: self.from, days: (days_between(self.from, self.to).max(1)) as f64, low, high, top };
        let clip = format!("{id}-clip");
        let area = Element::new("rect").at("x", LEFT).at("y", top).at("width", inner_width()).at("height", HEIGHT);
        let shapes = self.layers.iter().map(|layer| frame.shape(layer));
        let legend = self.legend.element(top + HEIGHT + AXIS + 8.0);
        let height = top + HEIGHT + AXIS + 8.0 + self.legend.height();
        drawing(id, &self.title, &self.description, height)
            .child(Element::new("clipPath").with("id", &clip).child(area))
            .child(self.axes(&frame))
            .child(Element::new("g").with("clip-path", format!("url(#{clip})")).all(shapes))
            .child(marked(&marks, &frame))
            .child(self.level_names(&frame))
            .child(legend)
    }

    /// The least and the greatest value that the plot has room for.
    fn values(&self) -> (f64, f64) {
        let span = |soft_wanted: bool| {
            let all = self.layers.iter().flat_map(|layer| layer.values(soft_wanted));
            all.fold(None, |span: Option<(f64, f64)>, value| {
                Some(span.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            })
        };
        let (firm, soft) = (span(false), span(true));
        let Some((mut low, mut high)) = firm.or(soft) else { return (0.0, 1.0) };
        if let Some((soft_low, soft_high)) = soft {
            let most = STRETCH * (high - low).max(high.abs() * 0.1);
            high = high.max(soft_high.min(high + most));
            low = low.min(soft_low.max(low - most));
        }
        // Differences of very large numbers are not numbers any more.
        (low, high) = (low.clamp(-1e300, 1e300), high.clamp(-1e300, 1e300));
        let room = ((high - low) * 0.06).max(high.abs().max(low.abs()) * 1e-3).max(1e-9);
        // Amounts begin at nothing, unless all of them lie far from it.
        let from = if low >= 0.0 && low < 0.6 * high { 0.0 } else { low - room };
        (from, high + room)
    }

    fn axes(&self, frame: &Frame) -> Element {
        let bottom = frame.top + HEIGHT;
        let mut axes = Element::group();
        for (value, name) in self.unit.ticks(frame.low, frame.high, VALUES) {
            let y = frame.y(value);
            axes.push(line("grid", LEFT, y, LEFT + inner_width(), y));
            axes.push(text("end", LEFT - 8.0, y + 4.0, &name));
        }
        let widest = text_width("Jan 2026") + 10.0;
        for (day, name) in dates::ticks(self.from, self.to, (inner_width() / widest) as usize) {
            let x = frame.x(day);
            axes.push(line("grid", x, frame.top, x, bottom + 4.0));
            if x - text_width(&name) / 2.0 > LEFT - 30.0 && x + text_width(&name) / 2.0 < WIDTH {
                axes.push(text("middle", x, bottom + 17.0, &name));
            }
        }
        axes.child(line("axis", LEFT, frame.top, LEFT, bottom)).child(line("axis", LEFT, bottom, LEFT + inner_width(), bottom))
    }

    fn level_names(&self, frame: &Frame) -> Element {
        let mut labels: Vec<(f64, &str)> = self.labels.iter().map(|(value, label)| (frame.y(*value), label.as_str())).collect();
        labels.retain(|(y, _)| (frame.top - 1.0..=frame.top + HEIGHT + 1.0).contains(y));
        labels.sort_by(|left, right| left.0.total_cmp(&right.0));
        let places = spread(labels.iter().map(|(y, _)| *y).collect(), LINE_HEIGHT, frame.top, frame.top + HEIGHT);
        let named = places.into_iter().zip(labels).map(|(y, (_, label))| text("", LEFT + inner_width() + 8.0, y + 4.0, label));
        Element::group().all(named)
    }

    /// The marked days, each with the row of its name, and how many rows there are.
    fn marks_laid_out(&self) -> (Vec<Marked<'_>>, usize) {
        let days = days_between(self.from, self.to).max(1) as f64;
        let mut marks: Vec<&(Date, &'static str, String)> = self.marks.iter().collect();
        marks.sort_by_key(|(day, ..)| *day);
        let mut ends: Vec<f64> = Vec::new();
        let mut placed = Vec::new();
        for (day, class, name) in marks {
            let x = LEFT + inner_width() * days_between(self.from, *day) as f64 / days;
            let half = text_width(name) / 2.0;
            let middle = x.clamp(half.min(WIDTH / 2.0), (WIDTH - half).max(WIDTH / 2.0));
            let row = ends.iter().position(|end| *end + 8.0 <= middle - half).unwrap_or(ends.len());
            if row == ends.len() {
                ends.push(0.0);
            }
            ends[row] = middle + half;
            placed.push(Marked { x, middle, row, class, name });
        }
        let rows = ends.len();
        (placed, rows)
    }
}

/// A marked day with the place of its name.
struct Marked<'a> {
    x: f64,
    middle: f64,
    row: usize,
    class: &'static str,
    name: &'a str,
}

fn marked(marks: &[Marked<'_>], frame: &Frame) -> Element {
    let mut drawn = Element::group();
    for mark in marks {
        let baseline = 12.0 + mark.row as f64 * LINE_HEIGHT;
        drawn.push(line(mark.class, mark.x, frame.top - 2.0, mark.x, frame.top + HEIGHT));
        drawn.push(text("middle", mark.middle, baseline, mark.name));
    }
    drawn
}

impl Layer {
    /// The values of the layer that decide how high the plot is, or those that may stretch it.
    fn values(&self, soft_wanted: bool) -> Vec<f64> {
        match self {
            Self::Band { points, soft, .. } if *soft == soft_wanted => points.iter().flat_map(|(_, low, high)| [*low, *high]).collect(),
            Self::Line { points, soft, .. } if *soft == soft_wanted => points.iter().filter_map(|(_, value)| *value).collect(),
            Self::Level { value, .. } if !soft_wanted => vec![*value],
            Self::Said(said) if soft_wanted => said.iter().flat_map(|said| [said.interval.0, said.interval.1]).collect(),
            _ => Vec::new(),
        }
    }
}

impl Frame {
    fn x(&self, day: Date) -> f64 {
        LEFT + inner_width() * days_between(self.from, day) as f64 / self.days
    }

    fn y(&self, value: f64) -> f64 {
        self.top + HEIGHT * (1.0 - (value - self.low) / (self.high - self.low))
    }

    fn point(&self, day: Date, value: f64) -> String {
        format!("{} {}", coordinate(self.x(day)), coordinate(self.y(value)))
    }

    fn shape(&self, layer: &Layer) -> Element {
        match layer {
            Layer::Band { points, class, .. } => self.band(points, class),
            Layer::Line { points, class, .. } => Element::new("path").class(class).with("d", self.path(points)),
            Layer::Level { value, class } => line(class, LEFT, self.y(*value), LEFT + inner_width(), self.y(*value)),
            Layer::Interval { level, from, median, to } => self.interval(*level, *from, *median, *to),
            Layer::Said(said) => Element::group().all(said.iter().map(|said| self.said(said))),
        }
    }

    fn band(&self, points: &[(Date, f64, f64)], class: &'static str) -> Element {
        let there = points.iter().map(|(day, _, high)| self.point(*day, *high));
        let back = points.iter().rev().map(|(day, low, _)| self.point(*day, *low));
        let all: Vec<String> = there.chain(back).collect();
        Element::new("path").class(class).with("d", format!("M{}Z", all.join("L")))
    }

    /// A line through the points, interrupted where a value is missing. A point with nothing on either side is a short stroke.
    fn path(&self, points: &[(Date, Option<f64>)]) -> String {
        let mut path = String::new();
        for run in points.split(|(_, value)| value.is_none()).filter(|run| !run.is_empty()) {
            let run: Vec<String> = run.iter().filter_map(|(day, value)| Some(self.point(*day, (*value)?))).collect();
            path.push('M');
            path.push_str(&run.join("L"));
            if run.len() == 1 {
                path.push_str("h2");
            }
        }
        path
    }

    fn interval(&self, level: f64, from: Option<Date>, median: Option<Date>, to: Option<Date>) -> Element {
        let right = LEFT + inner_width();
        let y = self.y(level);
        let begin = from.map_or(LEFT, |day| self.x(day));
        let end = to.map_or(right + 10.0, |day| self.x(day));
        let mut drawn =
            Element::group().child(line("crossing", begin, y, end, y)).child(line("crossing-end", begin, y - 7.0, begin, y + 7.0));
        if to.is_some() {
            drawn.push(line("crossing-end", end, y - 7.0, end, y + 7.0));
        }
        if let Some(median) = median {
            drawn.push(Element::new("circle").class("dot").at("cx", self.x(median)).at("cy", y).at("r", 5.5));
        }
        drawn
    }

    fn said(&self, said: &Said) -> Element {
        let (x, y) = (self.x(said.day), self.y(said.value));
        let bar = line("said", x, self.y(said.interval.0), x, self.y(said.interval.1));
        let mark = if said.held == Some(false) {
            let cross = format!("M{} {}l7 7m0 -7l-7 7", coordinate(x - 3.5), coordinate(y - 3.5));
            Element::new("path").class("said").with("d", cross)
        } else {
            Element::new("circle").class("said").at("cx", x).at("cy", y).at("r", 3.0)
        };
        Element::group().child(bar).child(mark)
    }
}

fn inner_width() -> f64 {
    WIDTH - LEFT - RIGHT
}

/// Every so many points and the last one.
fn thinned<T>(points: Vec<T>) -> Vec<T> {
    let step = points.len().div_ceil(MAX_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    points.into_iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last).map(|(_, point)| point).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn plot() -> Plot {
        Plot::new("t", "d", Unit::Bytes, date(2026, 1, 1), date(2026, 12, 31))
    }

    #[test]
    fn what_is_only_possible_does_not_press_the_rest_to_the_ground() {
        let mut plot = plot();
        plot.line(vec![(date(2026, 1, 1), Some(50.0)), (date(2026, 1, 2), Some(100.0))], "line", false, "used");
        plot.band(vec![(date(2026, 1, 3), -1e9, 1e12)], "fan", true, "forecast");
        let (low, high) = plot.values();
        assert!((120.0..140.0).contains(&high) && low <= 50.0, "{low} {high}");
    }

    #[test]
    fn amounts_far_from_nothing_are_seen_close_by() {
        let mut plot = plot();
        plot.line(vec![(date(2026, 1, 1), Some(20_000.0)), (date(2026, 1, 2), Some(20_040.0))], "line", false, "used");
        let (low, _) = plot.values();
        assert!(low > 19_900.0, "{low}");
    }

    #[test]
    fn a_gap_interrupts_the_line_and_a_lone_day_is_seen() {
        let mut plot = plot();
        let values = [Some(1.0), None, Some(f64::NAN), Some(2.0), Some(3.0)];
        plot.line(values.into_iter().zip(1..).map(|(value, day)| (date(2026, 1, day), value)).collect(), "line", false, "used");
        let svg = plot.svg("p").to_string();
        let path = svg.split(" d=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count(), path.matches("h2").count()), (2, 1, 1), "{path}");
    }

    #[test]
    fn names_of_days_that_are_close_stand_in_rows() {
        let mut plot = plot();
        for day in 1..=3 {
            plot.mark(date(2026, 6, day), "order", "order by 3 January 2027");
        }
        plot.mark(date(2026, 12, 1), "order", "later");
        plot.mark(date(2027, 12, 1), "order", "not shown");
        let (marks, rows) = plot.marks_laid_out();
        assert_eq!((marks.iter().map(|mark| mark.row).collect::<Vec<_>>(), rows), (vec![0, 1, 2, 0], 3));
    }

    #[test]
    fn an_empty_plot_is_a_drawing_too() {
        let svg = plot().svg("p").to_string();
        assert!(svg.starts_with("<svg") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn long_lines_keep_their_ends() {
        let thin = thinned((0..100_000).collect());
        assert!(thin.len() <= MAX_POINTS + 1 && thin[0] == 0 && thin.last() == Some(&99_999), "{}", thin.len());
        assert_eq!(thinned(vec![1, 2, 3]), [1, 2, 3]);
    }
}

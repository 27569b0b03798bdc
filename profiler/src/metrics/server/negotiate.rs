//! The form of the text that a request asks for.

use super::super::exposition::Format;
use hyper::HeaderMap;
use hyper::header::ACCEPT;

/// OpenMetrics 1.0 if the request prefers it to plain text, else the Prometheus text format, which every reader knows.
pub(super) fn format(headers: &HeaderMap) -> Format {
    let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut open_metrics, mut plain) = (0.0_f64, 0.0_f64);
    for range in ranges.flat_map(|value| value.split(',')) {
        let Some((kind, quality)) = offered(range) else { continue };
        let best = match kind {
            Format::OpenMetrics => &mut open_metrics,
            Format::Prometheus => &mut plain,
        };
        *best = best.max(quality);
    }
    if open_metrics > 0.0 && open_metrics >= plain { Format::OpenMetrics } else { Format::Prometheus }
}

/// The text that a media range stands for and its weight; `None` if there is no such text.
fn offered(range: &str) -> Option<(Format, f64)> {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next()?.to_ascii_lowercase();
    let (mut quality, mut version) = (1.0, None);
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => quality = value.trim().parse().ok().filter(|quality| (0.0..=1.0).contains(quality))?,
            "version" => version = Some(value.trim().trim_matches('"')),
            _ => {}
        }
    }
    match (kind.as_str(), version) {
        // 0.0.1 is what 1.0.0 was called before.
        ("application/openmetrics-text", None | Some("1.0.0" | "0.0.1")) => {
            Some((Format::OpenMetrics, quality))
        }
        ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => Some((Format::Prometheus, quality)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn asked(accept: &[&str]) -> Format {
        let values = accept.iter().map(|value| (ACCEPT, HeaderValue::from_str(value).unwrap()));
        format(&values.collect())
    }

    #[test]
    fn prometheus_gets_openmetrics() {
        // Of Prometheus 2.42 and 3.
        let old = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                   text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let new = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                   application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,\
                   text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        assert_eq!(asked(&[old]), Format::OpenMetrics);
        assert_eq!(asked(&[new]), Format::OpenMetrics);
        assert_eq!(asked(&["text/plain;q=0.5", "Application/OpenMetrics-Text"]), Format::OpenMetrics);
    }

    #[test]
    fn whoever_does_not_ask_for_it_gets_plain_text() {
        assert_eq!(asked(&[]), Format::Prometheus);
        assert_eq!(asked(&["*/*"]), Format::Prometheus);
        assert_eq!(asked(&["text/html"]), Format::Prometheus);
        assert_eq!(asked(&["application/openmetrics-text;version=2.0.0"]), Format::Prometheus);
        assert_eq!(asked(&["application/openmetrics-text;q=0"]), Format::Prometheus);
        assert_eq!(asked(&["application/openmetrics-text;q=0.1,text/plain"]), Format::Prometheus);
        assert_eq!(asked(&["application/openmetrics-text;q=nonsense"]), Format::Prometheus);
    }
}

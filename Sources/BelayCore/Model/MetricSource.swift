/// Who answers a metric.
package enum MetricSource: Hashable, Sendable {
    case prometheus(PrometheusQuery)
    case web(WebQuery)
    case command(CommandQuery)
    /// Always the same answer: for trying out.
    case constant(JSONValue)
    /// The target itself answers, in its own words: whether the canary's pods are well.
    case target(String)
}

internal import BelayAnalysis
internal import BelayCore

/// Where a template would do something else under Argo Rollouts than its author may think, and what Belay does instead.
enum Hazards {
    static func explain(_ metric: Metric, _ fields: SpecFields) {
        if metric.successCondition == nil, let reader = fields["failureCondition"], metric.noData == .wait {
            reader.note(
                "without a successCondition NaN would pass in Argo, since no comparison with it holds; "
                    + "here NaN and emptiness are no data, and no data is never success")
        }
        for key in ["successCondition", "failureCondition"] {
            guard let reader = fields[key], let text = reader.text() else { continue }
            explainVacuous(text, reader, metric)
            if metric.noData == .evaluate, metric.successCondition == nil, !text.contains("isNaN") {
                reader.note(
                    "`noData: evaluate`: NaN passes, since no comparison with it holds; ask `isNaN(…)`, or `wait`")
            }
        }
        if let query = metric.prometheus, case .instant(let text) = query.question, metric.window == .zero,
            PromQL.selectors(in: text)?.isEmpty == false
        {
            fields["provider"]?.note(
                "no range in the query and no `window`: a value that stands still, an average over the last requests for one, "
                    + "is taken for the present even where nothing happened since an earlier release")
        }
        if let limit = metric.limits.count, metric.scope == .always {
            fields["count"]?.note(
                "Argo stops measuring after \(limit) measurements; here \(limit) fresh ones are what each step needs, and "
                    + "the watching goes on to the end. A run that is stopped early is no success either")
        }
    }

    private static func explainVacuous(_ text: String, _ reader: SpecReader, _ metric: Metric) {
        guard text.contains("all(") || text.contains("none(") else { return }
        reader.note(
            metric.noData == .wait
                ? "`all` and `none` hold for an empty list, so it would pass in Argo; here it is no data"
                : "`all` and `none` hold for an empty list, and with `noData: evaluate` it passes, as in Argo; "
                    + "add `len(result) > 0 &&`, or leave `noData` at wait")
    }

    /// The judge compares ranks: in a series of zeroes a single error already ranks above all other points, and many
    /// errors rank no higher than one.
    static func explain(_ judge: Judge, _ fields: SpecFields) {
        for series in judge.series where series.direction == .increase {
            let hasZeroes = [series.canary, series.stable].contains {
                $0.replacing(" ", with: "").contains("orvector(0)")
            }
            guard hasZeroes || series.replacesNaN else { continue }
            fields["judge"]?.note(
                "\(series.name): where nothing fails, \(hasZeroes ? "`or vector(0)`" : "`nanStrategy: replace`") makes points of 0, "
                    + "and the judge ranks a single error above all of them; `compare` counts requests and knows how many there were"
            )
        }
    }
}

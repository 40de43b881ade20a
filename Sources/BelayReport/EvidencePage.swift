package import BelayCore
internal import BelayPlatform

/// The evidence of a rollout as one HTML page that needs nothing else: shares over time, every metric with its limit and the moment of the
/// decision, who did what.
package enum EvidencePage {
    /// The page.
    /// - Parameter line: An event in words; nil where it says nothing to a reader.
    package static func text(_ story: RolloutStory, line: (Event) -> String?) -> String {
        let plan = story.plan
        let tone = story.outcome == .promoted ? "good" : story.outcome == nil ? "open" : "bad"
        var parts = ["<!doctype html>", "<html lang=\"en\"><head><meta charset=\"utf-8\">"]
        parts.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
        // The page runs nothing and loads nothing, whatever stands in its texts.
        parts.append(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        )
        parts.append("<title>\(story.id.xml): \(story.outcomeWord)</title><style>\(style)</style></head><body>")
        parts.append("<h1 class=\"\(tone)\">\(story.headline.xml)</h1>")
        if let words = story.explanation { parts.append("<p>\(words.xml)</p>") }
        parts.append(
            "<p><b>\(story.id.xml)</b> · revision <b>\(plan.revision.xml)</b> · \(plan.stable.name.xml) → \(plan.canary.name.xml) · "
                + "\(story.startedAt.iso8601) to \(story.endedAt.iso8601)</p>")
        parts.append("<h2>The canary's share</h2>" + EvidenceChart.shares(story))
        parts.append("<h2>Steps</h2>" + steps(of: story))
        parts.append("<h2>Gates</h2>" + gates(of: story))
        parts.append("<h2>Who did what</h2>" + people(of: story))
        parts.append("<h2>The record</h2><details><summary>\(story.records.count) events</summary><ol>")
        for (event, at) in story.records {
            if let words = line(event) { parts.append("<li><time>\(at.iso8601)</time> \(words.xml)</li>") }
        }
        parts.append("</ol></details>")
        if let head = story.head { parts.append("<p class=\"head\">journal head <code>\(head.xml)</code></p>") }
        return parts.joined(separator: "\n") + "\n</body></html>\n"
    }

    private static func table(_ heads: [String], _ rows: [[String]]) -> String {
        let head = heads.map { "<th>\($0)</th>" }.joined()
        let body = rows.map { "<tr>" + $0.map { "<td>\($0)</td>" }.joined() + "</tr>" }.joined(separator: "\n")
        return "<div class=\"wide\"><table><thead><tr>\(head)</tr></thead><tbody>\n\(body)\n</tbody></table></div>"
    }

    private static func steps(of story: RolloutStory) -> String {
        table(
            ["step", "began", "confirmed", "watched", "ended"],
            story.steps.map { step in
                let asked = story.plan.steps[step.index].asked.map { " <small>(asked \($0.text))</small>" } ?? ""
                return [
                    story.title(of: step.index).xml + asked, time(step.beganAt), time(step.confirmedAt),
                    "\(Duration.seconds(step.watched.wholeMilliseconds / 1000).text) of \(story.plan.steps[step.index].hold.max.text)",
                    "<span class=\"\(step.end == .passed ? "good" : step.end == .failed ? "bad" : "open")\">\(step.end.rawValue)</span>",
                ]
            })
    }

    private static func gates(of story: RolloutStory) -> String {
        if story.plan.metrics.isEmpty { return "<p>The file says <code>analysis: none</code>.</p>" }
        return story.plan.metrics.indices.map { index in
            let metric = story.plan.metrics[index]
            let isCause = story.failedMetric == metric.name
            let decision =
                isCause
                ? story.wayBack.map { "<b class=\"bad\">decided the way back at \(time($0.at))</b>" } ?? ""
                : ""
            let dry = metric.isDryRun ? " <small>dry run</small>" : ""
            return
                "<section><h3>\(metric.name.xml)\(dry)</h3><p>wants <code>\(story.limit(of: index).xml)</code> \(decision)</p>"
                + EvidenceChart.metric(index, story) + "</section>"
        }.joined(separator: "\n")
    }

    private static func people(of story: RolloutStory) -> String {
        func name(_ actor: Actor) -> String {
            actor.name.xml + (actor.user.map { " <small>system user \($0.xml)</small>" } ?? "")
        }
        var rows = [[time(story.startedAt), name(story.started.actor), "started", story.started.reason.xml]]
        rows += story.commands.map {
            [time($0.at), name($0.command.actor), $0.command.verb.word.xml, $0.command.reason.xml]
        }
        return table(["when", "who", "what", "why"], rows)
    }

    /// The time of day; the whole moment shows where the pointer rests.
    private static func time(_ moment: Timestamp?) -> String {
        guard let text = moment?.iso8601 else { return "" }
        return "<time datetime=\"\(text)\" title=\"\(text)\">\(text.dropFirst(11).prefix(8))</time>"
    }

    private static let style = """
        :root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--line:#d0d7de;--good:#1a7f37;--bad:#cf222e;--open:#9a6700;--mark:#0969da}
        @media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--line:#30363d;--good:#3fb950;--bad:#f85149;--open:#d29922;--mark:#58a6ff}}
        body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:64rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
        h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid var(--line)}h3{font-size:1rem;margin-bottom:0}
        .good{color:var(--good)}.bad{color:var(--bad)}.open{color:var(--open)}small,time,.head{opacity:.75}
        .wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
        td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
        svg{width:100%;height:auto;display:block}svg text{fill:var(--fg);font-size:12px}
        td,th,time{overflow-wrap:normal;white-space:nowrap}td small{white-space:normal}
        @media(max-width:40rem){svg text{font-size:22px}}ol{padding-left:1.2rem}code{font-size:.9em}
        """
}

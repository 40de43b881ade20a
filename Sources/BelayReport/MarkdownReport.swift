package import BelayCore
internal import BelayPlatform

/// A rollout as the summary of a job in GitHub's Markdown: the verdict first, then the steps, the gates and the shares.
package enum MarkdownReport {
    /// GitHub takes a megabyte for a step, and refuses all of a longer one.
    /// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions#step-isolation-and-limits
    package static let largest = 1_000_000

    /// The summary, of at most ``largest`` bytes.
    package static func text(_ story: RolloutStory) -> String {
        let (plan, mark) = (story.plan, mark(of: story))
        var lines = ["## \(mark) \(story.headline.markdown)", ""]
        if let words = story.explanation { lines += [words.markdown, ""] }
        lines.append(
            "\(code(story.id)) · revision \(code(plan.revision)) · \(plan.stable.name.markdown) → \(plan.canary.name.markdown) · "
                + "\(span(from: story.startedAt, to: story.endedAt)) · started by \(story.started.actor.name.markdown)")
        lines += ["", "| | step | watched | ended |", "|---|---|---|---|"]
        for step in story.steps {
            let hold = plan.steps[step.index].hold.max
            let watched = step.end == .notReached ? "" : "\(whole(step.watched)) of \(hold.text)"
            lines.append(
                "| \(sign(step.end)) | \(story.title(of: step.index).markdown) | \(watched) | \(step.end.rawValue) |")
        }
        lines += gates(of: story) + chart(of: story)
        for (command, at) in story.commands {
            let reason = command.reason.isEmpty ? "" : ": \(command.reason.markdown)"
            lines.append("- \(at.iso8601) \(command.verb.word.markdown) by \(command.actor.name.markdown)\(reason)")
        }
        if let head = story.head { lines += ["", "journal head \(code(head))"] }
        return cut(lines.joined(separator: "\n") + "\n")
    }

    private static func gates(of story: RolloutStory) -> [String] {
        let rows = story.steps.filter { $0.end != .notReached }.flatMap { step in
            step.readings.filter { $0.last != nil }.map { reading in
                let metric = story.plan.metrics[reading.metric]
                let isBad = story.failedMetric == metric.name && step.end == .failed
                let value = isBad ? reading.failed.last?.value ?? reading.last?.value ?? "" : reading.last?.value ?? ""
                return
                    "| \(isBad ? "❌" : reading.failed.isEmpty ? "✅" : "⚠️") | \(metric.name.markdown)\(metric.isDryRun ? " (dry run)" : "") | "
                    + "\(step.index + 1) | \(value.markdown) | \(story.limit(of: reading.metric).markdown) | \(reading.count) |"
            }
        }
        return rows.isEmpty
            ? [] : ["", "| | gate | step | value | wants | measured |", "|---|---|---|---|---|---|"] + rows
    }

    /// The canary's share over time, as bars.
    private static func chart(of story: RolloutStory) -> [String] {
        guard !story.shares.isEmpty else { return [""] }
        let bars = story.shares.suffix(60).map { point in
            let filled = point.share.basisPoints * 20 / Weight.full.basisPoints
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
            return "\(point.at.iso8601.dropFirst(11).prefix(8)) \(bar) \(point.share.text)"
        }
        return ["", "```text"] + bars + ["```", ""]
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > largest else { return text }
        let kept = String(decoding: text.utf8.prefix(largest - 100), as: UTF8.self)
        return (kept.lastIndex(of: "\n").map { String(kept[..<$0]) } ?? kept)
            + "\n\n… cut; `belay show` has all of it\n"
    }

    private static func code(_ text: String) -> String {
        "`\(text.printable.replacingBytes("`", with: "'").replacingBytes("|", with: "/"))`"
    }

    private static func mark(of story: RolloutStory) -> String {
        switch story.outcome {
        case .promoted: "✅"
        case .rolledBack, .refused: "❌"
        case nil: story.attention == nil ? "⏳" : "🚨"
        }
    }

    private static func sign(_ end: RolloutStory.StepEnd) -> String {
        switch end {
        case .passed: "✅"
        case .failed: "❌"
        case .notReached: "▫️"
        case .underWay: "⏳"
        }
    }

    private static func whole(_ duration: Duration) -> String {
        Duration.seconds(duration.wholeMilliseconds / 1000).text
    }

    private static func span(from start: Timestamp, to end: Timestamp) -> String {
        whole(max(.zero, start.duration(to: end)))
    }
}

extension Command.Verb {
    /// As it is typed.
    package var word: String {
        switch self {
        case .pause: "pause"
        case .resume: "resume"
        case .rerun: "resume --rerun"
        case .promote(let isFull): isFull ? "promote --full" : "promote"
        case .approve: "approved"
        case .deny: "denied"
        case .skip(let metric): "skip \(metric)"
        case .abort: "abort"
        }
    }
}

package import BelayCore
internal import BelayPlatform

/// The evidence of a rollout for machines: what the page shows, without the drawings.
package enum EvidenceJSON {
    /// Grows with a change that a reader would have to know of.
    package static let version = 1

    /// The object.
    /// - Parameter properties: Where it ran: names and values.
    package static func value(_ story: RolloutStory, properties: [(name: String, value: String)] = []) -> JSONValue {
        .members([
            "schema": .string("https://belay.dev/schema/evidence-\(version).json"), "rollout": .string(story.id),
            "name": .string(story.plan.name), "revision": .string(story.plan.revision),
            "stable": .string(story.plan.stable.name), "canary": .string(story.plan.canary.name),
            "outcome": .string(story.outcomeWord), "verdict": .string(story.verdict.printable),
            "cause": story.wayBack.map { .string($0.cause.kind.rawValue) },
            "failedMetric": story.failedMetric.map { .string($0) }, "startedAt": .string(story.startedAt.iso8601),
            "endedAt": .string(story.endedAt.iso8601), "actor": .string(story.started.actor.name),
            "reason": .string(story.started.reason), "head": story.head.map { .string($0) },
            "shares": .array(
                story.shares.map { .members(["at": .string($0.at.iso8601), "percent": percent($0.share)]) }),
            "steps": .array(story.steps.map { step($0, story) }),
            "commands": .array(
                story.commands.map { command, at in
                    .members([
                        "at": .string(at.iso8601), "verb": .string(command.verb.word),
                        "actor": .string(command.actor.name),
                        "reason": .string(command.reason),
                    ])
                }),
            "provenance": .object(properties.map { .init($0.name, .string($0.value)) }),
        ])
    }

    private static func percent(_ share: Weight) -> JSONValue { .double(Double(share.basisPoints) / 100) }

    private static func step(_ step: RolloutStory.Step, _ story: RolloutStory) -> JSONValue {
        .members([
            "title": .string(story.title(of: step.index)), "percent": percent(story.plan.share(ofStep: step.index)),
            "end": .string(step.end.rawValue), "beganAt": step.beganAt.map { .string($0.iso8601) },
            "confirmedAt": step.confirmedAt.map { .string($0.iso8601) },
            "endedAt": step.endedAt.map { .string($0.iso8601) },
            "watchedSeconds": .double(Double(step.watched.wholeMilliseconds) / 1000),
            "gates": .array(step.readings.map { gate($0, story) }),
        ])
    }

    private static func gate(_ reading: RolloutStory.Reading, _ story: RolloutStory) -> JSONValue {
        .members([
            "metric": .string(story.plan.metrics[reading.metric].name),
            "wants": .string(story.limit(of: reading.metric)),
            "measurements": .count(reading.count), "last": reading.last.map { .string($0.value) },
            "phase": reading.last.map { .string($0.phase.rawValue) },
            "verdict": reading.verdict.map { .string($0.rawValue) },
            "dryRun": story.plan.metrics[reading.metric].isDryRun ? .bool(true) : nil,
            "failed": .array(
                reading.failed.map {
                    .members([
                        "at": .string($0.finishedAt.iso8601), "value": .string($0.value),
                        "message": .string($0.message),
                    ])
                }),
        ])
    }
}

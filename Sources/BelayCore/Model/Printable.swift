extension StringProtocol {
    /// At most 60 characters of it, for a message.
    package var shortened: String { count <= 60 ? String(self) : prefix(57) + "…" }
}

/// Text from outside is data: a server's answer, a reason, a name must not move a terminal's cursor, begin a line of a CI
/// log, or turn the reading order round.
extension StringProtocol {
    /// The text with control characters written out as JSON does: C0, DEL and C1, line and paragraph separators,
    /// bidirectional and invisible marks.
    package var printable: String { escaped { $0.isControl } }

    /// The same for a whole line of ours, in which tabs and our own colours (`ESC [ … m`) stay.
    package var printableLine: String {
        guard unicodeScalars.contains(where: \.isControl) else { return String(self) }
        var parts: [String] = []
        var rest = self[...]
        while let escape = rest.firstIndex(of: "\u{1B}") {
            let after = rest[escape...].dropFirst()
            let sequence = after.prefix { $0 == "[" || $0 == ";" || $0.isASCII && $0.isNumber }
            let end = after.dropFirst(sequence.count)
            if after.first == "[", !sequence.dropFirst().contains("["), end.first == "m" {
                parts.append(rest[..<escape].escaped { $0.isControl && $0 != "\t" } + "\u{1B}\(sequence)m")
                rest = end.dropFirst()
            } else {
                parts.append(rest[...escape].escaped { $0.isControl && $0 != "\t" })
                rest = after
            }
        }
        return parts.joined() + rest.escaped { $0.isControl && $0 != "\t" }
    }

    private func escaped(_ isBad: (Unicode.Scalar) -> Bool) -> String {
        guard unicodeScalars.contains(where: isBad) else { return String(self) }
        var text = ""
        for scalar in unicodeScalars {
            guard isBad(scalar) else {
                text.unicodeScalars.append(scalar)
                continue
            }
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: Swift.max(0, 4 - digits.count)) + digits
            }
        }
        return text
    }
}

extension Unicode.Scalar {
    /// Whether the character is one of those that `printable` writes out. The bidirectional ones are those of
    /// https://www.unicode.org/reports/tr9/.
    fileprivate var isControl: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0: true
        case 0x61C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF, 0xE0000...0xE007F: true
        default: false
        }
    }
}

extension Event {
    /// The same event with every text from outside made printable. The plan stays as the release's author wrote it.
    package var printable: Event {
        switch self {
        case .tookOver(let epoch, let holder): .tookOver(epoch: epoch, holder: holder.printable)
        case .actionEnded(let run, .failed(let message)): .actionEnded(run, .failed(message.printable))
        case .claimFailed(let message): .claimFailed(message.printable)
        case .trafficFailed(let share, let message): .trafficFailed(share: share, message: message.printable)
        case .routerLost(let message): .routerLost(message.printable)
        case .returnUndone(let message): .returnUndone(message.printable)
        case .attentionNeeded(let message): .attentionNeeded(message.printable)
        case .paused(let message, let until): .paused(message: message.printable, until: until)
        case .verdict(let metric, let verdict, let message):
            .verdict(metric: metric, verdict: verdict, message: message.printable)
        case .measured(var measured):
            {
                measured.measurement = measured.measurement.printable
                return .measured(measured)
            }()
        case .obeyed(let command): .obeyed(command.printable)
        case .wayBackBegan(let cause): .wayBackBegan(cause.printable)
        case .finished(.rolledBack(let cause)): .finished(.rolledBack(cause.printable))
        case .finished(.refused(let holder)): .finished(.refused(holder.printable))
        case .unreadable(let name): .unreadable(name: name.printable)
        case .started, .actionBegan, .actionEnded, .claimed, .stepStarted, .oldProcesses, .trafficConfirmed,
            .trafficAccepted, .routerFound,
            .routerReloaded,
            .watched,
            .settlingBegan,
            .approvalAsked, .stepPassed, .approvalTimedOut, .clockJumped, .adopted, .finished(.promoted):
            self
        }
    }
}

extension Cause {
    fileprivate var printable: Cause { Cause(kind, message.printable) }
}

extension Command {
    fileprivate var printable: Command {
        let who = Actor(
            name: actor.name.printable, groups: actor.groups.map(\.printable), user: actor.user?.printable)
        return Command(id: id, verb: verb, actor: who, reason: reason.printable, aimedAt: aimedAt)
    }
}

extension Measurement {
    fileprivate var printable: Measurement {
        Measurement(
            metric: metric, phase: phase, value: value.printable, message: message.printable, startedAt: startedAt,
            finishedAt: finishedAt, sampledAt: sampledAt, requests: requests, isIdle: isIdle, evidence: evidence)
    }
}

package import BelayCore
package import BelayEngine
internal import Glibc

/// The kit of a target that is a file with one number.
package struct FileKit: TargetKit {
    private let target: FileTraffic
    private let limit: Duration

    /// - Parameter target: As a file describes it.
    package init(_ target: FileTraffic) { self.init(target, limit: ShareFile.commandLimit) }

    init(_ target: FileTraffic, limit: Duration) {
        (self.target, self.limit) = (target, limit)
    }

    private var owner: OwnerFile { OwnerFile(of: target.path) }
    package var ownership: any TargetOwnership { owner }
    package var actions: any ActionRunner { TargetPrograms(owner) }

    /// As its protocol says.
    package func router(_ roles: Roles, original: JSONValue, _ clock: any EngineClock) -> any TrafficRouter {
        FileRouter(target, roles, clock)
    }

    /// As its protocol says.
    package func value(for secondShare: Weight) -> Int { target.number(for: secondShare, Roles(canaryIsSecond: true)) }
    /// As its protocol says.
    package func words(for share: Weight, _ roles: Roles, reach: Reach) -> String {
        "\(target.path) = \(value(for: roles.mirrored(share)))"
    }

    package var writeWords: String {
        let told = target.run.isEmpty ? "" : "then `\(target.run.joined(separator: " "))`, "
        return "(\(told)confirmed by \(target.read.isEmpty ? "the file read back" : "`\(target.read[0])`"))"
    }

    /// As its protocol says.
    package func wayBackWords(to secondShare: Weight) -> String {
        "\(value(for: secondShare)) in \(target.path) at once \(writeWords)"
    }

    // MARK: The look

    /// As its protocol says.
    package func survey() async -> Survey {
        var survey = Survey()
        survey.reach = target.reach
        survey.cutsConnections = .init(isThere: false, why: "a file cuts none")
        survey.fencesWriters = .init(
            isThere: false, why: "a file has no versions: before each write the mark is looked at, with the lock held")
        let file = ShareFile(target, WallClock(), limit: limit)
        for complaint in file.missingPrograms { survey.invalid(complaint) }
        survey.note(TargetFolder(ofFile: file.path, readers: "the program behind it", ownerReads: true))
        let kept = lookAtFile(file, &survey)
        let start = ContinuousClock.now
        let answer = await file.inForce()
        survey.roundTrip = start.duration(to: .now)
        guard let answer else {
            survey.remarks.append(
                "the file read back is the confirmation: what the program behind it does with it is not verified "
                    + "(`read: [command]` says what is in force)")
            return agree(kept, kept, survey)
        }
        switch answer {
        case .failure(let failure): survey.problems.append(.unreachable(failure.message))
        case .success(.number(let number)):
            survey.notes.append("`\(target.read[0])`: \(number)")
            return agree(kept, number, survey)
        case .success(.missing):
            survey.invalid("`\(target.read[0])` printed nothing; a number in 0…\(target.scale) is expected")
        case .success(.foreign(let words)):
            survey.invalid("`\(target.read[0])` printed `\(words)`; a number in 0…\(target.scale) is expected")
        }
        return survey
    }

    private func lookAtFile(_ file: ShareFile, _ survey: inout Survey) -> Int? {
        do throws(FileFailure) {
            switch try file.number() {
            case .number(let number) where (0...target.scale).contains(number):
                survey.notes.append("\(target.path): \(number)")
                return number
            case .number(let number): survey.invalid("\(target.path) has \(number); 0…\(target.scale) is expected")
            case .missing:
                survey.invalid(
                    "\(target.path) is empty; `echo 0 > \(target.path)` gives \(target.sides.first.name) all traffic")
            case .foreign(let words):
                survey.invalid("\(target.path) has `\(words)`; a number in 0…\(target.scale) is expected")
            }
        } catch {
            let advice =
                access(file.path, F_OK) == 0
                ? "" : "; `echo 0 > \(target.path)` gives \(target.sides.first.name) all traffic"
            survey.invalid(error.message + advice)
        }
        return nil
    }

    private func agree(_ kept: Int?, _ inForce: Int?, _ survey: Survey) -> Survey {
        var survey = survey
        guard let kept, let inForce, survey.problems.isEmpty else { return survey }
        if kept != inForce {
            survey.invalid(
                "\(target.path) says \(kept), and \(inForce) is in force; make them equal (`belay rescue FILE --stable SIDE`)"
            )
            return survey
        }
        survey.secondShare = target.share(for: kept, Roles(canaryIsSecond: true))
        survey.original = .string("\(kept)")
        if survey.roles == nil {
            survey.invalid(
                "the traffic is split already: \(kept) of \(target.scale) on \(target.sides.second.name); bring it to 0 or "
                    + "\(target.scale) (`belay rescue FILE --stable SIDE`)"
            )
        }
        return survey
    }
}

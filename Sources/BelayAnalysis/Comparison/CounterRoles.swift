internal import BelayCore

/// What each series of a counter query counts, and what the growth of a target's series comes to.
struct CounterRoles: Sendable {
    enum Role: Hashable, Sendable {
        /// A counter by itself.
        case counter(isRequest: Bool, isBad: Bool)
        /// A histogram's bucket: everything at or below the bound.
        case bucket(bound: Double)
        /// Neither a request nor bad. It still shows that its target was scraped.
        case nothing
    }

    /// Requests, and bad ones of each kind.
    struct Tally: Hashable, Sendable {
        var requests = 0.0
        var bad: [Double]

        init(kinds: Int) { bad = Array(repeating: 0, count: kinds) }

        static func += (left: inout Tally, right: Tally) {
            left.requests += right.requests
            for kind in left.bad.indices { left.bad[kind] += right.bad[kind] }
        }
    }

    let query: CounterQuery
    private let isRequest: Matcher
    private let isBad: Matcher

    init(_ query: CounterQuery) {
        self.query = query
        isRequest = Matcher(query.requests)
        isBad = Matcher(query.bad)
    }

    func role(of labels: CounterSeries.Labels) -> Role {
        guard !query.slowerThan.isEmpty else {
            let role = (isRequest.matches(labels), isBad.matches(labels))
            return role == (false, false) ? .nothing : .counter(isRequest: role.0, isBad: role.1)
        }
        guard isRequest.matches(labels), let bound = labels["le"].flatMap(Self.bound) else { return .nothing }
        return bound == .infinity || query.slowerThan.contains(bound) ? .bucket(bound: bound) : .nothing
    }

    /// Labels that say what a series counts, so that they never tell one copy of it from another.
    var meaningful: Set<String> { Set(query.bad.map(\.label) + query.requests.map(\.label) + ["le"]) }

    /// A bound is a number: `0.5`, `5e-01` and `0.50` are one, and Prometheus 3 writes `1.0` where 2 wrote `1`.
    static func bound(_ text: String) -> Double? {
        switch text {
        case "+Inf", "Inf", "inf", "+inf": .infinity
        default: Double(text).flatMap { $0.isNaN ? nil : $0 }
        }
    }

    /// Whether series of these roles can tell anything together: a histogram has every bound that is asked for as often as
    /// it has a count of all. One bucket less would show every request as slow.
    func isComplete(_ roles: some Sequence<Role>) -> Bool {
        guard !query.slowerThan.isEmpty else { return true }
        var (all, bounds) = (0, Array(repeating: 0, count: query.slowerThan.count))
        for case .bucket(let bound) in roles {
            if bound == .infinity { all += 1 }
            if let kind = query.slowerThan.firstIndex(of: bound) { bounds[kind] += 1 }
        }
        return all > 0 && bounds.allSatisfy { $0 == all }
    }

    /// What a target did while its series grew by these amounts.
    /// - Returns: nil where more requests were bad than there were.
    func tally(_ growth: [(role: Role, by: Double)]) -> Tally? {
        var tally = Tally(kinds: query.kinds)
        guard query.slowerThan.isEmpty else { return slow(growth, tally) }
        for (role, growth) in growth {
            guard case .counter(let isRequest, let isBad) = role else { continue }
            if isRequest { tally.requests += growth }
            if isBad { tally.bad[0] += growth }
        }
        return tally.bad[0] <= tally.requests * (1 + 1e-12) ? tally : nil
    }

    /// What is slower than a bound is everything less what lies at or below it.
    private func slow(_ growth: [(role: Role, by: Double)], _ empty: Tally) -> Tally? {
        var tally = empty
        var below = Array(repeating: 0.0, count: query.slowerThan.count)
        for case (.bucket(let bound), let growth) in growth {
            if bound == .infinity { tally.requests += growth }
            if let kind = query.slowerThan.firstIndex(of: bound) { below[kind] += growth }
        }
        for kind in below.indices {
            guard below[kind] <= tally.requests * (1 + 1e-12) else { return nil }
            tally.bad[kind] = max(tally.requests - below[kind], 0)
        }
        return tally
    }
}

/// Label patterns, read once. One that cannot be read, which the file's check refuses, matches nothing.
private struct Matcher: @unchecked Sendable {  // A compiled `Regex` is never changed.
    private let patterns: [(label: String, regex: Regex<AnyRegexOutput>?)]

    init(_ matches: [CounterQuery.Match]) {
        patterns = matches.map { ($0.label, try? Regex($0.pattern)) }
    }

    func matches(_ labels: CounterSeries.Labels) -> Bool {
        patterns.allSatisfy { label, regex in
            regex.map { (labels[label] ?? "").wholeMatch(of: $0) != nil } ?? false
        }
    }
}

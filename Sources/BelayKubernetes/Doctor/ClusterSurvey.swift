internal import BelayCore

/// A look at a cluster before a release: whether all that a file names is there, fits together and may be used. It changes nothing.
package struct ClusterSurvey: Sendable {
    /// Something wrong, with the place in the file that it is about.
    package struct Problem: Equatable, Sendable {
        /// `workload.kubernetes.deployment`; nil where it is about no single place.
        package var place: String?
        package var message: String
        /// The cluster could not be reached, so that nothing is known.
        package var isUnreachable = false
    }

    /// What is looked at, for people: `cluster`, `objects` and so on.
    package enum Part: String, CaseIterable, Sendable {
        case cluster, namespace, deployment, service, rights
    }

    package private(set) var notes: [Part: [String]] = [:]
    package private(set) var problems: [Part: [Problem]] = [:]

    package var isGood: Bool { problems.isEmpty }

    mutating func note(_ part: Part, _ words: String) { notes[part, default: []].append(words) }

    mutating func fail(_ part: Part, _ message: String, at place: String? = nil, isUnreachable: Bool = false) {
        problems[part, default: []].append(Problem(place: place, message: message, isUnreachable: isUnreachable))
    }
}

/// A service's past traffic, from CSV: `time,requests,errors`, where each row has the counts since the row before.
/// After its end it begins again.
package struct RecordedTraffic: Hashable, Sendable {
    /// A record that cannot be read; the message names the line.
    package struct Failure: Error, Hashable, Sendable {
        package let message: String
        package let line: Int
    }

    /// Seconds from its beginning, requests and errors up to there; the first are 0.
    private var seconds = [0.0]
    private var requests = [0.0]
    private var errors = [0.0]

    /// How long it is, s.
    package var length: Double { seconds[seconds.count - 1] }
    /// Requests per second, on average.
    package var averageRequests: Double { requests[requests.count - 1] / length }
    /// The share of errors, 0…1, on average.
    package var averageErrors: Double { errors[errors.count - 1] / requests[requests.count - 1] }

    /// - Throws: ``Failure`` at the first row that cannot be read.
    package init(_ csv: String) throws(Failure) {
        var (first, last) = (Double?.none, 0.0)
        for (index, row) in csv.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let fields = row.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }
            if fields.isEmpty { continue }
            let numbers = fields.compactMap(Double.init)
            if index == 0, numbers.isEmpty { continue }  // The names of the columns.
            guard fields.count == 3, numbers.count == 3, numbers.allSatisfy(\.isFinite) else {
                throw Failure(message: "time, requests and errors are expected, three numbers", line: index + 1)
            }
            guard numbers[1] >= 0, numbers[2] >= 0, numbers[2] <= numbers[1] else {
                throw Failure(message: "errors must be in 0…requests", line: index + 1)
            }
            defer { last = numbers[0] }
            guard let begin = first else {
                first = numbers[0]
                continue
            }
            guard numbers[0] > last else {
                throw Failure(message: "the time must grow from row to row", line: index + 1)
            }
            seconds.append(numbers[0] - begin)
            requests.append(requests[requests.count - 1] + numbers[1])
            errors.append(errors[errors.count - 1] + numbers[2])
        }
        guard requests[requests.count - 1] > 0 else {
            throw Failure(message: "two rows at least, and some requests, are needed", line: 1)
        }
    }

    /// Requests a second and the share of errors between two moments, s.
    func average(from start: Double, to end: Double) -> (requests: Double, errors: Double) {
        let (all, bad) = (
            sum(requests, to: end) - sum(requests, to: start), sum(errors, to: end) - sum(errors, to: start)
        )
        return (all / (end - start), all > 0 ? bad / all : 0)
    }

    /// What had been counted by a moment, whole rounds included.
    private func sum(_ counted: [Double], to second: Double) -> Double {
        let rounds = (second / length).rounded(.down)
        let rest = second - rounds * length
        var (low, high) = (0, seconds.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if seconds[middle] <= rest { low = middle } else { high = middle }
        }
        let part = (rest - seconds[low]) / (seconds[high] - seconds[low])
        return rounds * counted[counted.count - 1] + counted[low] + part * (counted[high] - counted[low])
    }
}

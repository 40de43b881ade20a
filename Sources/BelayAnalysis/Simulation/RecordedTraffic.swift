/// A service's past, from CSV: `time,requests,errors`, counts since the row before.
package struct RecordedTraffic: Hashable, Sendable {
    package struct Failure: Error, Hashable, Sendable {
        package let message: String
        package let line: Int
    }

    package private(set) var parts: [TrafficModel.Recorded] = []
    /// A second, on average.
    package let requests: Double
    /// Share, on average.
    package let errors: Double

    /// - Throws: ``Failure`` at the first row that cannot be read.
    package init(_ csv: String) throws(Failure) {
        var (last, all, bad, seconds) = (Double?.none, 0.0, 0.0, 0.0)
        for (index, row) in csv.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let fields = row.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }
            if fields.isEmpty { continue }
            let numbers = fields.compactMap(Double.init)
            if index == 0, numbers.isEmpty { continue }  // The names of the columns.
            guard fields.count == 3, numbers.count == 3 else {
                throw Failure(message: "time, requests and errors are expected, three numbers", line: index + 1)
            }
            let (time, requests, errors) = (numbers[0], numbers[1], numbers[2])
            guard requests >= 0, errors >= 0, errors <= requests, requests.isFinite else {
                throw Failure(message: "errors must be in 0…requests", line: index + 1)
            }
            defer { last = time }
            guard let before = last else { continue }
            guard time > before, (time - before).isFinite else {
                throw Failure(message: "the time must grow from row to row", line: index + 1)
            }
            parts.append(
                .init(
                    seconds: time - before, requests: requests / (time - before),
                    errors: requests > 0 ? errors / requests : 0))
            (all, bad, seconds) = (all + requests, bad + errors, seconds + time - before)
        }
        guard all > 0 else { throw Failure(message: "two rows at least, and some requests, are needed", line: 1) }
        (self.requests, self.errors) = (all / seconds, bad / all)
    }
}

internal import BelayAnalysis
internal import BelayCore

/// The real reader, made to err: it is shown changed samples or asked in a wrong way, or its results are changed.
struct MistakenReader: HistoryReader {
    private let mistake: PlantedMistake
    private let query: CounterQuery
    private var windows: CounterWindows
    private var looks = 0
    private var last: Timestamp
    private var shown: (canary: [CountedPiece], stable: [CountedPiece]) = ([], [])

    init(_ query: CounterQuery, start: Timestamp) { self.init(.readTwice, query, start: start) }

    init(_ mistake: PlantedMistake, _ query: CounterQuery, start: Timestamp) {
        self.mistake = mistake
        self.query = query
        windows = CounterWindows(query, start: start, fastest: nil)
        last = start
    }

    var pieces: (canary: [CountedPiece], stable: [CountedPiece]) { shown }
    var distortions: [Distortion] { windows.distortions }

    mutating func next(
        canary: [CounterSeries], stable: [CounterSeries], until: Timestamp, share: Double
    ) -> CounterWindows.Next {
        looks += 1
        let before = last
        if mistake == .readTwice, looks.isMultiple(of: 4) {
            windows = CounterWindows(query, start: before.advanced(by: .seconds(-20)), fastest: nil)
        }
        let next = windows.next(
            canary: changed(canary, before), stable: changed(stable, before), until: until, share: share)
        switch next {
        case .window, .noSamples, .leftOut, .idle: last = until
        case .nothingNew, .error: break
        }
        shown = windows.pieces
        switch mistake {
        case .copiesCounted: shown = (shown.canary.map(\.atOneAddress), shown.stable.map(\.atOneAddress))
        case .oldestSampleForgotten:
            shown = (shown.canary.map { $0.beginning(at: before) }, shown.stable.map { $0.beginning(at: before) })
        case .emptyIsData:
            if case .idle = next {
                let nothing = CountWindow(
                    from: before, to: until, since: before, canaryRequests: 0, stableRequests: 0,
                    bad: query.nothing)
                return .window(nothing, note: "")
            }
        case .renameIsBirth, .fallIsRestart, .birthIgnored, .readTwice, .lateSamplesLost: break
        }
        return next
    }

    private func changed(_ all: [CounterSeries], _ before: Timestamp) -> [CounterSeries] {
        switch mistake {
        case .copiesCounted:
            all.map { series in
                var labels = series.labels.values
                let copy = [labels["job"], labels["replica"]].compactMap(\.self).joined(separator: "-")
                labels["instance", default: ""] += "#\(copy)"
                return CounterSeries(labels: .init(labels), samples: series.samples, starts: series.starts)
            }
        case .renameIsBirth:
            all.map { series in
                guard let first = series.samples.first, first.at > before.advanced(by: .seconds(-40)) else {
                    return series
                }
                let zero = CounterSeries.Sample(at: first.at.advanced(by: .seconds(-1)), value: 0)
                return CounterSeries(labels: series.labels, samples: [zero] + series.samples, starts: series.starts)
            }
        case .fallIsRestart:
            all.map { series in
                var began = Timestamp(milliseconds: 0)
                var earlier: CounterSeries.Sample?
                let starts = series.samples.map { sample in
                    if let earlier, sample.value < earlier.value { began = sample.at.advanced(by: .milliseconds(-1)) }
                    earlier = sample
                    return CounterSeries.Start(at: sample.at, began: began)
                }
                return CounterSeries(labels: series.labels, samples: series.samples, starts: starts)
            }
        case .birthIgnored:
            all.map { series in
                guard let first = series.samples.first,
                    let witness = all.first(where: { other in
                        other.labels.address == series.labels.address && other.samples[0].at < first.at
                    }), let earlier = witness.samples.last(where: { $0.at < first.at })
                else { return series }
                let same = CounterSeries.Sample(at: earlier.at, value: first.value)
                return CounterSeries(labels: series.labels, samples: [same] + series.samples, starts: series.starts)
            }
        case .lateSamplesLost:
            all.compactMap { series in
                let samples = series.samples.filter { $0.at > before.advanced(by: .seconds(-15)) }
                return samples.isEmpty
                    ? nil : CounterSeries(labels: series.labels, samples: samples, starts: series.starts)
            }
        case .oldestSampleForgotten, .readTwice, .emptyIsData: all
        }
    }
}

extension CountedPiece {
    fileprivate var atOneAddress: CountedPiece {
        CountedPiece(
            target: String(target.prefix { $0 != "#" }), from: from, to: to, requests: requests, bad: bad)
    }

    fileprivate func beginning(at moment: Timestamp) -> CountedPiece {
        CountedPiece(target: target, from: max(from, moment), to: to, requests: requests, bad: bad)
    }
}

extension CounterQuery {
    fileprivate var nothing: [CountWindow.Bad] {
        Array(repeating: .init(canary: 0, stable: 0), count: kinds)
    }
}

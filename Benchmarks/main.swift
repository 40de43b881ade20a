import BelayCore
import BelayDemo
import BelayEngine
import BelayJournal
import Foundation
import Glibc

// The figures, each as a median beside its limit: `belay-bench BINARY`. End to end on the real HAProxy and Prometheus.

if CommandLine.arguments.dropFirst().first == "--study" {
    let numbers = CommandLine.arguments.dropFirst(2).compactMap { UInt64($0) }
    print(Bench.machine)
    await Study(runs: Int(numbers.first ?? 4000), seed: numbers.dropFirst().first ?? 1).run()
    exit(0)
}
if CommandLine.arguments.dropFirst().first == "--kubernetes" {
    var figures = try await KubernetesCalls(root: FileManager.default.currentDirectoryPath).figures()
    if let belay = CommandLine.arguments.dropFirst(2).first {
        figures += try await KubernetesReleases(belay: URL(fileURLWithPath: belay).path).figures()
    }
    print(Bench.machine)
    for figure in figures { print(figure.text) }
    exit(figures.allSatisfy(\.isWithin) ? 0 : 1)
}
guard CommandLine.arguments.count == 2 else {
    print("usage: belay-bench BINARY | --kubernetes [BINARY] | --study [RUNS] [SEED]")
    exit(64)
}
do {
    let bench = try Bench(belay: URL(fileURLWithPath: CommandLine.arguments[1]).path)
    let figures = try await bench.run()
    print(Bench.machine)
    for figure in figures { print(figure.text) }
    exit(figures.allSatisfy(\.isWithin) ? 0 : 1)
} catch {
    print("the benchmarks could not go on: \(error)")
    exit(1)
}

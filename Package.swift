// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "belay",
    products: [
        .executable(name: "belay", targets: ["belay"]),
        // For the acceptance tests: holds a call of the program.
        .library(name: "belay-hold", type: .dynamic, targets: ["CHold"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.5.0"),
    ],
    targets: [
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CHold", path: "Tests/CHold"),
        .target(name: "CSignals"),
        .target(name: "CSignalsAtStart", dependencies: ["CSignals"]),
        .target(name: "BelayCore", swiftSettings: strict),
        .target(name: "BelayAnalysis", dependencies: ["BelayCore"], swiftSettings: strict),
        .target(name: "BelayEngine", dependencies: ["BelayCore", "BelayAnalysis"], swiftSettings: strict),
        .target(name: "BelayHTTP", dependencies: ["BelayCore", "CCurl"], swiftSettings: strict),
        .target(name: "BelayCommands", dependencies: [subprocess, system], swiftSettings: strict),
        .target(
            name: "BelayMetrics", dependencies: ["BelayCore", "BelayEngine", "BelayHTTP", "BelayCommands"],
            swiftSettings: strict),
        .target(
            name: "BelayJournal", dependencies: ["BelayCore", "BelayEngine", "CCrypto", grdb], swiftSettings: strict),
        .target(
            name: "BelayRouters", dependencies: ["BelayCore", "BelayEngine", "BelayCommands"], swiftSettings: strict),
        .target(name: "BelaySpec", dependencies: ["BelayCore", "BelayAnalysis", yams], swiftSettings: strict),
        .target(name: "BelayDemo", dependencies: [subprocess, system], swiftSettings: strict),
        .target(
            name: "BelayCLI",
            dependencies: [
                "BelayCore", "BelayAnalysis", "BelaySpec", "BelayEngine", "BelayJournal", "BelayHTTP", "BelayRouters",
                "BelayMetrics", "BelayDemo", "CSignals", arguments,
            ],
            resources: [.embedInCode("strategies"), .embedInCode("analysis-templates")], swiftSettings: strict),
        .target(
            name: "BelayTestSupport", dependencies: ["BelayCore", "BelayAnalysis", "BelayEngine"], swiftSettings: strict
        ),
        .executableTarget(
            name: "belay-soak", dependencies: ["BelayTestSupport"], path: "Sources/BelaySoak", swiftSettings: strict),
        .executableTarget(
            name: "belay-bench",
            dependencies: [
                "BelayCore", "BelayAnalysis", "BelayEngine", "BelayJournal", "BelayDemo", "BelayTestSupport",
            ],
            path: "Benchmarks",
            swiftSettings: strict),
        .executableTarget(name: "belay", dependencies: ["BelayCLI", "CSignalsAtStart"], swiftSettings: strict),
        .testTarget(name: "BelayCoreTests", dependencies: ["BelayCore"], swiftSettings: strict),
        .testTarget(name: "BelaySimulationTests", dependencies: ["BelayTestSupport"], swiftSettings: strict),
        .testTarget(name: "BelayTidyTests", swiftSettings: strict),
        .testTarget(
            name: "BelayAnalysisTests", dependencies: ["BelayCore", "BelayAnalysis", "BelayTestSupport"],
            exclude: ["Vectors"],
            swiftSettings: strict),
        .testTarget(name: "BelaySpecTests", dependencies: ["BelayCore", "BelaySpec"], swiftSettings: strict),
        .testTarget(
            name: "BelayEngineTests", dependencies: ["BelayAnalysis", "BelayCore", "BelayEngine", "BelayTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "BelayJournalTests", dependencies: ["BelayCore", "BelayEngine", "BelayJournal", grdb],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "BelayRoutersTests", dependencies: ["BelayCore", "BelayEngine", "BelayRouters", "BelayTestSupport"],
            swiftSettings: strict
        ),
        .testTarget(name: "BelayAcceptanceTests", dependencies: ["BelayDemo", "belay"], swiftSettings: strict),
        .testTarget(name: "BelayHTTPTests", dependencies: ["BelayHTTP", "BelayDemo"], swiftSettings: strict),
        .testTarget(
            name: "BelayCLITests",
            dependencies: [
                "BelayCLI", "BelayCore", "BelayEngine", "BelayJournal", "BelaySpec", "BelayTestSupport", arguments,
            ],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "BelayMetricsTests",
            dependencies: ["BelayCore", "BelayDemo", "BelayEngine", "BelayHTTP", "BelayMetrics"],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// What benchmarks measured: Google Benchmark's JSON (--benchmark_out_format=json, which several other tools write
// too), or lines of "name value unit".
#pragma once

#include "shared/base/error.hpp"
#include "shared/sign/measure.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks::reports {

using shared::Measure;

inline constexpr size_t kMostMeasures = 500;  // an attestation carries them

// One measure for each name, in the order they come first: the median that the report holds, else the median of its
// repetitions. `metric` names the figure in Google's JSON ("real_time", "cpu_time", a counter); times come in ns.
// `file` is only shown. Invalid, with file and line, for what is neither format, has a benchmark that failed or lacks
// the metric, a value that is no number of zero or more, over 64 MiB, or more than kMostMeasures names.
[[nodiscard]] Result<std::vector<Measure>> read_benchmarks(const std::string& file, std::string_view text,
                                                           std::string_view metric);

enum class Better { ByUnit, Lower, Higher };  // by unit: rates ("…/s") are better higher, all else lower

struct Regression {
    Measure now;
    Measure before;
    double percent = 0;  // worse than before; above 0
};
// Those that are worse by more than `most` percent. A measure of another unit, or that was not there before, is not
// compared.
[[nodiscard]] std::vector<Regression> regressions(const std::vector<Measure>& now,
                                                  const std::vector<Measure>& before, double most,
                                                  Better better);

// "1.25 ms", "3.1e+09 ops/s": four digits that count.
[[nodiscard]] std::string shown(const Measure& measure);

}  // namespace tidegate::hooks::reports

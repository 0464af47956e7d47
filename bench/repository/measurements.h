#pragma once

#include <span>
#include <string>

// The measurements, each with its own options. They print JSON lines; bench/repository/run makes tables of
// them.
namespace dbb::bench {

using Arguments = std::span<const std::string>;

// The number behind "--name" in the arguments, or the default.
double option(Arguments arguments, const std::string& name, double otherwise);
std::string option(Arguments arguments, const std::string& name, const std::string& otherwise);

void measure_throughput(Arguments arguments);
void measure_scale(Arguments arguments);
void measure_growth(Arguments arguments);
void measure_sizes(Arguments arguments);

}  // namespace dbb::bench

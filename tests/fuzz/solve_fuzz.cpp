// Any bytes are a small channel and a request: they have an answer that the checker finds sound (solve() asks it in
// debug builds), whatever the order of the channel's records, or there is none.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "solve/repodata_source.hpp"
#include "solve/solver.hpp"
#include "solve/verify_answer.hpp"

using namespace envbuild;
using namespace envbuild::solve;

namespace {

class Bytes {
  public:
    explicit Bytes(std::span<const std::uint8_t> left) : left_(left) {}
    [[nodiscard]] bool empty() const { return left_.empty(); }
    // Under `end`; 0 once nothing is left.
    std::size_t below(std::size_t end) {
        if (left_.empty()) return 0;
        const std::size_t value = left_.front();
        left_ = left_.subspan(1);
        return value % end;
    }

  private:
    std::span<const std::uint8_t> left_;
};

const std::vector<std::string> kNames = {"a", "b", "c", "d", "python", "__glibc", "nowhere"};
const std::vector<std::string> kDemands = {"",        " >=2",
                                           " <2",     " 1",
                                           " 2.*",    " !=1",
                                           " * x*",   " 1.0 y_1",
                                           " >=1,<3", "[build_number=1]",
                                           " ~=1.0",  " 9",
                                           " >=",     "[subdir=noarch]"};

std::string demand(Bytes& bytes) {
    auto text = kNames[bytes.below(kNames.size())];
    return text += kDemands[bytes.below(kDemands.size())];
}

std::string list(Bytes& bytes) {
    std::string text;
    for (auto count = bytes.below(4); count > 0; --count) text += (text.empty() ? "\"" : ",\"") + demand(bytes) + '"';
    return '[' + text + ']';
}

std::string record(Bytes& bytes, std::size_t number) {
    const auto id = std::to_string(number);
    return "\"f" + id + (bytes.below(3) == 0 ? ".tar.bz2" : ".conda") + R"(":{"name":")" + kNames[bytes.below(5)] +
           R"(","version":")" + std::vector<std::string>{"1", "1.0", "2", "2.1", "3"}[bytes.below(5)] +
           R"(","build":")" + std::vector<std::string>{"x_0", "y_1", "x_1"}[bytes.below(3)] + R"(","build_number":)" +
           std::to_string(bytes.below(3)) + R"(,"timestamp":)" + std::to_string(bytes.below(4)) +
           (bytes.below(5) == 0 ? R"(,"track_features":"t")" : "") + R"(,"depends":)" + list(bytes) +
           R"(,"constrains":)" + list(bytes) + R"(,"sha256":")" + std::string(64, 'a') + "\"}";
}

std::vector<std::string> answer(const Request& request, const std::vector<std::string>& records) {
    std::string text;
    for (const auto& one : records) text += (text.empty() ? "" : ",") + one;
    const std::string url = "https://host/ch";
    const auto data = conda::RepoData::from_bytes(R"({"packages.conda":{)" + text + "}}", {url, "linux-64", "it"});
    ChannelCandidates provider(channel_sources({{conda::Channel(url, value_or_throw(Url::parse(url))), {data}}}));
    std::vector<std::string> files;
    try {
        const auto packages = solve::solve(request, provider).packages;
        if (!faults_of_answer(request, packages).empty()) std::abort();
        for (const auto& package : packages) files.push_back(package.file_name);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Unsatisfiable) std::abort();
        files = {"", error.to_string()};
    }
    return files;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes bytes({data, size});
    Request request;
    request.gpu = bytes.below(8) == 0;
    for (auto count = 1 + bytes.below(3); count > 0; --count) {
        if (auto spec = conda::MatchSpec::parse(demand(bytes))) request.specs.push_back(std::move(*spec));
    }
    if (bytes.below(3) == 0) {
        if (auto spec = conda::MatchSpec::parse(demand(bytes))) request.constraints.emplace_back(std::move(*spec));
    }
    std::vector<std::string> records;
    while (!bytes.empty() && records.size() < 24) records.push_back(record(bytes, records.size()));
    const auto first = answer(request, records);
    std::ranges::reverse(records);
    const auto second = answer(request, records);
    if (first != second) std::abort();
    return 0;
}

#include "solve/records_support.hpp"

#include <algorithm>

namespace envbuild::solve::test {

namespace {

void place(conda::PackageRecord& record, const std::string& channel) {
    record.channel = channel;
    record.url = value_or_throw(Url::parse(channel + "/" + record.subdir + "/" + record.file_name));
    if (!record.sha256) record.sha256 = sha256(record.url.to_string());
}

}  // namespace

conda::PackageRecord record(const std::string& dist, std::vector<std::string> depends,
                            std::vector<std::string> constrains) {
    conda::PackageRecord record;
    const auto build = dist.rfind('-');
    const auto version = dist.rfind('-', build - 1);
    record.name = dist.substr(0, version);
    record.version = value_or_throw(conda::Version::parse(dist.substr(version + 1, build - version - 1)));
    record.build = dist.substr(build + 1);
    const auto number = record.build.substr(record.build.rfind('_') + 1);
    if (!number.empty() && number.find_first_not_of("0123456789") == std::string::npos) {
        record.build_number = std::stoll(number);
    }
    record.subdir = "linux-64";
    record.file_name = dist + ".conda";
    record.depends = std::move(depends);
    record.constrains = std::move(constrains);
    return record;
}

conda::MatchSpec spec(const std::string& text) {
    return value_or_throw(conda::MatchSpec::parse(text));
}

std::vector<Constraint> pins(const std::vector<std::string>& texts, const std::string& origin) {
    std::vector<Constraint> list;
    for (auto& spec : specs(texts)) list.emplace_back(std::move(spec), origin);
    return list;
}

std::vector<conda::MatchSpec> specs(const std::vector<std::string>& texts) {
    std::vector<conda::MatchSpec> specs;
    for (const auto& text : texts) specs.push_back(spec(text));
    return specs;
}

Request request(const std::vector<std::string>& texts) {
    Request request;
    request.specs = specs(texts);
    return request;
}

std::string random_demand(const std::string& name, const std::function<int(int)>& below) {
    switch (below(6)) {
        case 0:
            return name;
        case 1:
            return name + " >=" + std::to_string(1 + below(3));
        case 2:
            return name + " <" + std::to_string(2 + below(2));
        case 3:
            return name + " " + std::to_string(1 + below(3)) + ".*";
        case 4:
            return name + " * x_*";
        default:
            return name + " !=" + std::to_string(1 + below(3));
    }
}

ChannelCandidates channel(std::vector<conda::PackageRecord> records) {
    return channels({{"main", std::move(records)}}, ChannelPriority::Strict);
}

ChannelCandidates channels(std::vector<std::pair<std::string, std::vector<conda::PackageRecord>>> channels,
                           ChannelPriority priority) {
    std::vector<ChannelSource> sources;
    for (auto& [name, records] : channels) {
        const auto url = "https://channel.test/" + name;
        for (auto& record : records) place(record, url);
        sources.push_back({url, {std::make_shared<ListedRecords>(std::move(records))}});
    }
    return {std::move(sources), priority};
}

std::vector<std::string> dists(const Solution& solution) {
    std::vector<std::string> dists;
    for (const auto& record : solution.packages) dists.push_back(record.dist_name());
    return dists;
}

std::vector<std::string> sorted_dists(const Solution& solution) {
    auto list = dists(solution);
    std::sort(list.begin(), list.end());
    return list;
}

std::vector<std::string> solve_dists(const std::vector<std::string>& texts, std::vector<conda::PackageRecord> records) {
    auto provider = channel(std::move(records));
    return sorted_dists(solve(request(texts), provider));
}

std::string why_not(const Request& request, CandidateProvider& provider) {
    try {
        (void)solve(request, provider);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Unsatisfiable) throw;
        return error.to_string();
    }
    return "";
}

}  // namespace envbuild::solve::test

// peer_answers CACHE: envbuild's side of the comparison with a peer (README.md). Reads one JSON object a line from
// standard input and writes one a line to standard output, in the same order:
//   {"ask":"order","pairs":[[a,b],…]}           -> {"answers":[-1|0|1|null,…]}, null where one is refused
//   {"ask":"match","pairs":[[spec,version],…]}  -> {"answers":[true|false|null,…]}
//   {"ask":"file","path":"environment.yml"}     -> {"specs":[…]} as written, or {"refused":"why"}
//   {"ask":"solve","channels":[url,…],"specs":[…],"virtual":{name:"version=build"},"priority":"strict"}
//       -> {"packages":[{name,version,build,number},…]}, {"none":"why"} where there is no answer, or {"refused":"why"}
//   {"ask":"faults", as "solve", "files":[…]}   -> {"faults":[…]} of the packages as an answer to the request
// CACHE is a folder for repodata. A line that is none of these ends the program with 2.
#include <fmt/format.h>

#include <iostream>
#include <map>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "conda/repodata_fetcher.hpp"
#include "conda/version_spec.hpp"
#include "solve/repodata_source.hpp"
#include "solve/solver.hpp"
#include "solve/verify_answer.hpp"
#include "solve/virtual_packages.hpp"
#include "spec/environment_reader.hpp"

using namespace envbuild;

namespace {

std::vector<std::string> strings(const Json& list) {
    std::vector<std::string> texts;
    for (const auto& text : list.as_array()) texts.push_back(text.as_string());
    return texts;
}

Json order(const Json& pair) {
    const auto a = conda::Version::parse(pair.as_array().at(0).as_string());
    const auto b = conda::Version::parse(pair.as_array().at(1).as_string());
    if (!a || !b) return nullptr;
    return *a < *b ? -1 : *a > *b ? 1 : 0;
}

Json match(const Json& pair) {
    const auto spec = conda::VersionSpec::parse(pair.as_array().at(0).as_string());
    const auto version = conda::Version::parse(pair.as_array().at(1).as_string());
    if (!spec || !version) return nullptr;
    return spec->matches(*version);
}

Json answers(const Json& pairs, Json (*answer)(const Json&)) {
    Json list = Json::array();
    for (const auto& pair : pairs.as_array()) list.push(answer(pair));
    return Json::object().set("answers", std::move(list));
}

Json specs_of_file(const std::string& path) {
    Json list = Json::array();
    for (const auto& spec : spec::read_environment(path, {}).spec.conda) list.push(spec.to_string());
    return Json::object().set("specs", std::move(list));
}

class Solves {
  public:
    explicit Solves(const std::string& cache) : http_(HttpSettings{}, CancelToken()) {
        settings_.cache_directory = cache;
    }

    Json answer(const Json& question) {
        auto provider = candidates(question);
        const auto request = request_of(question);
        try {
            Json packages = Json::array();
            for (const auto& record : solve::solve(request, provider).packages) {
                packages.push(Json::object()
                                  .set("name", record.name)
                                  .set("version", record.version.to_string())
                                  .set("build", record.build)
                                  .set("number", record.build_number)
                                  .set("file", record.file_name));
            }
            return Json::object().set("packages", std::move(packages));
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::Unsatisfiable) throw;
            return Json::object().set("none", error.to_string());
        }
    }

    // What the independent check of answers has to say of packages that somebody else chose.
    Json faults(const Json& question) {
        auto provider = candidates(question);
        std::vector<conda::PackageRecord> packages;
        for (const auto& file : strings(question["files"])) {
            const auto name = file.substr(0, file.rfind('-', file.rfind('-') - 1));
            for (const auto& candidate : provider.offer(name, "").usable) {
                if (candidate.record->file_name == file) packages.push_back(*candidate.record);
            }
        }
        auto found = solve::faults_of_answer(request_of(question), packages);
        if (packages.size() != strings(question["files"]).size()) found.emplace_back("a file that is no candidate");
        return Json::object().set("faults", Json(found));
    }

  private:
    solve::ChannelCandidates candidates(const Json& question) {
        const auto urls = strings(question["channels"]);
        auto& channels = known_[join(urls, " ")];
        if (channels.empty()) {
            conda::RepoDataFetcher fetcher(http_, conda::ChannelSettings{}, settings_, silent_reporter());
            std::vector<conda::Channel> asked;
            for (const auto& url : urls) asked.emplace_back(url, value_or_throw(Url::parse(url)));
            channels = solve::channel_sources(fetcher.fetch(asked, conda::Platform()));
        }
        return {channels, value_or_throw(solve::parse_channel_priority(question.string_or("priority", "strict")))};
    }

    static solve::Request request_of(const Json& question) {
        solve::Request request;
        for (const auto& text : strings(question["specs"])) {
            request.specs.push_back(value_or_throw(conda::MatchSpec::parse(text)));
        }
        std::map<std::string, std::string> target;
        for (const auto& [name, version] : question["virtual"].as_object()) target[name] = version.as_string();
        request.virtual_packages = value_or_throw(solve::virtual_records(target));
        request.allow_missing_sha256 = true;
        return request;
    }

    HttpClient http_;
    conda::RepoDataFetchSettings settings_;
    std::map<std::string, std::vector<solve::ChannelSource>> known_;  // by their URLs
};

Json answer(const Json& question, Solves& solves) {
    const auto& ask = question["ask"].as_string();
    if (ask == "order") return answers(question["pairs"], order);
    if (ask == "match") return answers(question["pairs"], match);
    try {
        if (ask == "file") return specs_of_file(question["path"].as_string());
        if (ask == "solve") return solves.answer(question);
        if (ask == "faults") return solves.faults(question);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::InvalidInput) throw;
        return Json::object().set("refused", error.to_string());
    }
    throw Error(ErrorKind::InvalidInput, fmt::format("nothing is known of '{}'", ask));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) throw Error(ErrorKind::InvalidInput, "usage: peer_answers CACHE");
        Solves solves(argv[1]);
        for (std::string line; std::getline(std::cin, line);) {
            std::cout << answer(value_or_throw(Json::parse(line)), solves).dump() << std::endl;
        }
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "peer_answers: {}\n", error.what());
        return 2;
    }
}

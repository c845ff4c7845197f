#include "solve/bad_channel_support.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/strings.hpp"
#include "solve/records_support.hpp"
#include "solve/repodata_source.hpp"

namespace envbuild::solve::test {

std::string record_text(const Members& members, const std::string& file) {
    Members all = {
        {"name", R"("a")"},      {"version", R"("1.0")"},    {"build", R"("0")"}, {"build_number", "0"},
        {"depends", "[]"},       {"constrains", "[]"},       {"size", "100"},     {"timestamp", "1600000000000"},
        {"license", R"("BSD")"}, {"subdir", R"("linux-64")"}};
    for (const auto& [key, value] : members) all[key] = value;
    std::string name = file;
    if (name.empty()) {
        for (const auto* key : {"name", "version", "build"}) {
            const auto& text = all[key];
            const bool plain = text.size() > 2 && text.front() == '"' && text.find('\\') == std::string::npos;
            name += (name.empty() ? "" : "-") + (plain ? text.substr(1, text.size() - 2) : std::string("x"));
        }
        name = replace_all(name, "/", "_") + ".conda";
    }
    if (!members.contains("sha256")) all["sha256"] = '"' + sha256(name).hex() + '"';
    std::string text;
    for (const auto& [key, value] : all) {
        if (!value.empty()) text += (text.empty() ? "" : ",") + ('"' + key + "\":" + value);
    }
    return '"' + name + "\":{" + text + '}';
}

std::string repodata_text(const std::vector<std::string>& records) {
    return R"({"info":{"subdir":"linux-64"},"packages":{},"packages.conda":{)" + join(records, ",") + "}}";
}

std::string one(const std::string& text) {
    return "[\"" + text + "\"]";
}

std::shared_ptr<const conda::RepoData> read(std::string repodata, const std::string& subdir,
                                            const std::string& channel) {
    return conda::RepoData::from_bytes(std::move(repodata),
                                       {channel, subdir, channel + "/" + subdir + "/repodata.json"});
}

ChannelCandidates provider_of(const Subdirs& subdirs) {
    return provider_of(std::vector<Subdirs>{subdirs}, ChannelPriority::Strict);
}

ChannelCandidates provider_of(const std::vector<Subdirs>& channels, ChannelPriority priority) {
    std::vector<conda::FetchedChannel> fetched;
    for (const auto& subdirs : channels) {
        const auto& url = subdirs.front()->origin().channel;
        fetched.push_back({conda::Channel(url, value_or_throw(Url::parse(url))), {subdirs.begin(), subdirs.end()}});
    }
    return {channel_sources(fetched), priority};
}

std::vector<std::string> answer(const std::vector<std::string>& specs, std::string repodata) {
    auto provider = provider_of({read(std::move(repodata))});
    return answer(specs, provider);
}

std::vector<std::string> answer(const std::vector<std::string>& specs, CandidateProvider& provider) {
    try {
        std::vector<std::string> files;
        for (const auto& record : solve(request(specs), provider).packages) files.push_back(record.file_name);
        std::sort(files.begin(), files.end());
        return files;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Unsatisfiable) throw;
        return {"no answer: " + error.to_string()};
    }
}

}  // namespace envbuild::solve::test

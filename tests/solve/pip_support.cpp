#include "solve/pip_support.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"

namespace envbuild::testing {

PipWorld& PipWorld::offer(const std::string& name, const std::string& version, const PipOffer& offer) {
    auto& project = projects_[name];
    project.name = name;
    project.known = true;
    const auto stem = replace_all(name, "-", "_") + "-" + version;
    pypi::IndexFile file;
    file.filename = offer.tag.empty() ? stem + ".tar.gz" : stem + "-" + offer.tag + ".whl";
    file.url = value_or_throw(Url::parse("https://index.test/files/" + file.filename));
    file.sha256 = sha256(offer.bytes.empty() ? file.filename : offer.bytes);
    file.requires_python = offer.python;
    file.yanked = offer.yanked;
    project.files.push_back({file, 0, offer.dispute});
    std::string text = fmt::format("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", name, version);
    for (const auto& extra : offer.extras) text += "Provides-Extra: " + extra + "\n";
    for (const auto& need : offer.needs) text += "Requires-Dist: " + need + "\n";
    if (!offer.metadata_python.empty()) text += "Requires-Python: " + offer.metadata_python + "\n";
    if (offer.damaged) damaged_.insert(file.filename);
    metadata_[file.filename] = offer.broken ? "no header\n" : text;
    return *this;
}

std::string PipWorld::hash_of(const std::string& file_name_or_bytes) {
    return sha256(file_name_or_bytes).to_string();
}

std::shared_ptr<const pypi::Project> PipWorld::project(const std::string& name) {
    projects_asked.insert(name);
    auto project = std::make_shared<pypi::Project>();
    if (const auto known = projects_.find(name); known != projects_.end()) *project = known->second;
    project->name = name;
    return project;
}

Expected<pypi::CoreMetadata> PipWorld::metadata(const pypi::IndexFile& file, const pypi::WheelName& /*name*/) {
    metadata_asked.insert(file.filename);
    if (damaged_.contains(file.filename)) throw Error(ErrorKind::Corrupt, file.filename + " has another sha256");
    return pypi::CoreMetadata::parse(metadata_.at(file.filename), file.filename);
}

Error PipWorld::absent_error(const pypi::Project& project) {
    return Error(ErrorKind::NotFound, "no package index has '" + project.name + "'");
}

solve::PipLine pip_line(const std::string& text, const std::vector<std::string>& hashes) {
    return {value_or_throw(pypi::Requirement::parse(text)), hashes};
}

solve::PipRequest pip_request(const std::vector<std::string>& lines, const std::vector<std::string>& constraints) {
    solve::PipRequest request{
        .lines = {},
        .direct = {},
        .constraints = {},
        .provided = {},
        .rules = {pypi::TagSet(value_or_throw(pypi::TagTarget::of("3.11.4", "x86_64", "2.36"))), "3.11.4"},
        .environment = value_or_throw(pypi::MarkerEnvironment::cpython_on_linux("3.11.4", "x86_64")),
        .cuda = {}};
    for (const auto& text : lines) request.lines.push_back(pip_line(text));
    for (const auto& text : constraints) request.constraints.push_back(pip_line(text));
    return request;
}

std::string pip_answer(const solve::PipRequest& request, solve::PipProvider& world) {
    try {
        const auto solution = solve::solve_pip(request, world);
        std::vector<std::string> texts;
        for (const auto& choice : solution.packages) texts.push_back(choice.name + " " + choice.version.to_string());
        return join(texts, ", ") + (solution.needs_pip.empty() ? "" : "; " + solution.needs_pip);
    } catch (const Error& error) {
        return error.message();
    }
}

}  // namespace envbuild::testing

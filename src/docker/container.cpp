#include "docker/container.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <thread>
#include <utility>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "docker/engine.hpp"
#include "docker/log_frames.hpp"
#include "docker/query.hpp"

namespace envbuild::docker {

namespace {

constexpr std::size_t kOutputKept = 64 << 10;
constexpr int kNotThere = 404;
constexpr std::chrono::milliseconds kUnbornPause{100};

// Who made a container: "namespace pid start", so that a later run that sees the same processes sees whether he is
// still there. The namespace is the kernel's boot and the PID namespace in it: jobs in containers may share an engine.
constexpr std::string_view kOwnerLabel = "dev.envbuild.owner";

std::string process_namespace() {
    std::error_code ignored;
    const auto space = std::filesystem::read_symlink("/proc/self/ns/pid", ignored).string();
    const auto boot = read_file_if_exists("/proc/sys/kernel/random/boot_id");
    return fmt::format("{}/{}", boot ? trim(*boot) : "", space);
}

// When a process began, in clock ticks since the boot (proc(5), stat, field 22); "" where there is none.
std::string start_of(std::string_view pid) {
    const auto stat = read_file_if_exists(fmt::format("/proc/{}/stat", pid));
    const auto name_end = stat ? stat->rfind(')') : std::string::npos;
    if (name_end == std::string::npos) return "";
    const auto fields = split_whitespace(std::string_view(*stat).substr(name_end + 1));
    constexpr std::size_t kStart = 19;
    return fields.size() > kStart ? std::string(fields[kStart]) : "";
}

std::string owner_of_this_process() {
    const auto pid = std::to_string(::getpid());
    return process_namespace() + " " + pid + " " + start_of(pid);
}

bool is_gone(std::string_view owner) {
    const auto words = split_whitespace(owner);
    return words.size() == 3 && words[0] == process_namespace() && start_of(words[1]) != words[2];
}

std::string random_name() {
    std::random_device device;
    return fmt::format("envbuild-{:08x}{:08x}", device(), device());
}

Json create_body(const ContainerSpec& spec) {
    Json json = Json::object();
    json.set("Image", spec.image);
    if (!spec.command.empty()) json.set("Cmd", spec.command);
    // The API takes an absent or null entry point as the image's, and [""] as none.
    if (spec.entrypoint)
        json.set("Entrypoint", spec.entrypoint->empty() ? std::vector<std::string>{""} : *spec.entrypoint);
    if (!spec.env.empty()) json.set("Env", spec.env);
    if (!spec.working_dir.empty()) json.set("WorkingDir", spec.working_dir);
    if (!spec.user.empty()) json.set("User", spec.user);
    json.set("Labels", Json::object().set(std::string(kOwnerLabel), owner_of_this_process()));
    Json host = Json::object();
    host.set("NetworkMode", spec.network_mode);
    if (!spec.binds.empty()) host.set("Binds", spec.binds);
    json.set("HostConfig", std::move(host));
    return json;
}

std::string container_path(std::string_view id, std::string_view rest) {
    return fmt::format("/containers/{}{}", id, rest);
}

}  // namespace

Container Engine::create_container(const ContainerSpec& spec) {
    // A name chosen here lets the container be removed also when a cancellation swallows the answer.
    const std::string name = random_name();
    Query query;
    query.add("name", std::string_view(name)).add("platform", std::string_view(spec.platform));
    HttpRequest post = request("POST", "/containers/create" + query.to_string());
    post.body = create_body(spec).dump();
    post.headers["content-type"] = "application/json";
    try {
        const HttpResponse response = send(post, fmt::format("creating a container from {}", spec.image));
        return {*this, value_or_throw(Json::parse(response.body))["Id"].as_string()};
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled || error.kind() == ErrorKind::Transient) remove_unborn(name);
        throw;
    }
}

// The engine goes on creating what nobody waits for any more, so a container may come into being after it was first
// asked to be removed.
void Engine::remove_unborn(const std::string& name) noexcept {
    constexpr int kTries = 20;
    for (int i = 0; i < kTries; ++i) {
        if (forget("DELETE", container_path(name, "?force=1&v=1")) != kNotThere) return;
        std::this_thread::sleep_for(kUnbornPause);
    }
}

void Engine::remove_orphans() {
    Query query;
    query.add("all", true).add("filters", std::string_view(fmt::format(R"({{"label":["{}"]}})", kOwnerLabel)));
    const auto list =
        Json::parse(send(request("GET", "/containers/json" + query.to_string()), "listing containers").body);
    if (!list || !list->is_array()) return;
    for (const auto& container : list->as_array()) {
        const auto owner = container["Labels"].string_or(kOwnerLabel, "");
        if (is_gone(owner)) forget("DELETE", container_path(container.string_or("Id", ""), "?force=1&v=1"));
    }
}

RunResult Engine::run(const ContainerSpec& spec, const OnOutput& on_output) {
    Container container = create_container(spec);
    container.start();
    RunResult result;
    container.follow_output([&](OutputStream stream, std::string_view bytes) {
        if (on_output) on_output(stream, bytes);
        std::string& kept = stream == OutputStream::Stderr ? result.err : result.out;
        kept += bytes;
        if (kept.size() > 2 * kOutputKept) kept.erase(0, kept.size() - kOutputKept);
    });
    result.exit_code = container.wait();
    container.remove();
    for (auto* kept : {&result.out, &result.err}) {
        if (kept->size() > kOutputKept) kept->erase(0, kept->size() - kOutputKept);
    }
    return result;
}

Container::Container(Container&& other) noexcept : engine_(other.engine_), id_(std::exchange(other.id_, {})) {}

Container::~Container() {
    if (!id_.empty()) engine_->forget("DELETE", container_path(id_, "?force=1&v=1"));
}

void Container::start() {
    (void)engine_->send(engine_->request("POST", container_path(id_, "/start")), "starting a container");
}

void Container::read_logs(std::string_view query, const OnOutput& on_output) {
    LogFrames frames(on_output);
    HttpRequest get = engine_->patient_request("GET", container_path(id_, fmt::format("/logs?{}", query)));
    get.sink = [&](std::string_view bytes) { frames.feed(bytes); };
    (void)engine_->send(get, "reading a container's output");
    frames.finish();
}

// A busy engine ends the stream when the container has ended, though its last output is still to be written down: what
// came after is read when that is done.
void Container::follow_output(const OnOutput& on_output) {
    std::map<OutputStream, std::size_t> given;
    read_logs("follow=1&stdout=1&stderr=1", [&](OutputStream stream, std::string_view bytes) {
        given[stream] += bytes.size();
        on_output(stream, bytes);
    });
    (void)wait();
    read_logs("stdout=1&stderr=1", [&](OutputStream stream, std::string_view bytes) {
        const auto known = std::min(bytes.size(), given[stream]);
        given[stream] -= known;
        if (known < bytes.size()) on_output(stream, bytes.substr(known));
    });
}

int Container::wait() {
    const HttpResponse response =
        engine_->send(engine_->patient_request("POST", container_path(id_, "/wait")), "waiting for a container");
    const Json json = value_or_throw(Json::parse(response.body));
    if (const auto reason = json["Error"].string_or("Message", ""); !reason.empty())
        throw Error(ErrorKind::Io, fmt::format("the Docker engine could not wait for a container: {}", reason));
    return static_cast<int>(json["StatusCode"].as_int());
}

void Container::get_archive(std::string_view path, const std::function<void(std::string_view)>& sink) {
    Query query;
    query.add("path", path);
    HttpRequest get = engine_->patient_request("GET", container_path(id_, "/archive" + query.to_string()));
    get.sink = sink;
    (void)engine_->send(get, fmt::format("copying {} out of a container", path));
}

void Container::put_archive(std::string_view directory, std::shared_ptr<BodySource> tar) {
    Query query;
    query.add("path", directory);
    HttpRequest put = engine_->patient_request("PUT", container_path(id_, "/archive" + query.to_string()));
    put.source = std::move(tar);
    put.headers["content-type"] = "application/x-tar";
    (void)engine_->send(put, fmt::format("copying into {} of a container", directory));
}

void Container::remove() {
    if (id_.empty()) return;
    const std::string id = std::exchange(id_, {});
    try {
        (void)engine_->send(engine_->request("DELETE", container_path(id, "?force=1&v=1")), "removing a container");
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::NotFound) return;
        engine_->forget("DELETE", container_path(id, "?force=1&v=1"));
        throw;
    }
}

}  // namespace envbuild::docker

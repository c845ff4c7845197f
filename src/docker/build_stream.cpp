#include "docker/build_stream.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/strings.hpp"

namespace envbuild::docker {

namespace {

constexpr std::size_t kLastLines = 30;

// "Step 2/5 : RUN make" -> "2/5" and "RUN make".
std::optional<std::pair<std::string, std::string>> classic_step(std::string_view line) {
    if (!line.starts_with("Step ")) return std::nullopt;
    const auto colon = line.find(" : ");
    if (colon == std::string_view::npos) return std::nullopt;
    const auto number = line.substr(5, colon - 5);
    const auto slash = number.find('/');
    const auto is_number = [](std::string_view text) {
        return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
    };
    if (slash == std::string_view::npos || !is_number(number.substr(0, slash)) || !is_number(number.substr(slash + 1)))
        return std::nullopt;
    return std::pair(std::string(number), std::string(line.substr(colon + 3)));
}

// What the classic builder says itself between the lines of a step.
bool is_classic_remark(std::string_view line) {
    return line.starts_with(" ---> ") || line.starts_with("Removing intermediate container ") ||
           line.starts_with("Successfully built ") || line.starts_with("Successfully tagged ") || line.empty();
}

BuildEvent make(BuildEvent::Kind kind, std::string step, std::string name, std::string text = {}) {
    BuildEvent event;
    event.kind = kind;
    event.step = std::move(step);
    event.name = std::move(name);
    event.text = std::move(text);
    return event;
}

BuildEvent progress(std::string step, std::string name, std::string text, std::int64_t current, std::int64_t total) {
    BuildEvent event = make(BuildEvent::Kind::Progress, std::move(step), std::move(name), std::move(text));
    event.current = static_cast<std::uint64_t>(std::max<std::int64_t>(0, current));
    event.total = static_cast<std::uint64_t>(std::max<std::int64_t>(0, total));
    return event;
}

std::optional<int> exit_code_in(std::string_view message) {
    for (const std::string_view mark : {"exit code: ", "returned a non-zero code: "}) {
        const auto at = message.rfind(mark);
        if (at == std::string_view::npos) continue;
        int code = 0;
        const auto* begin = message.data() + at + mark.size();
        if (std::from_chars(begin, message.data() + message.size(), code).ec == std::errc{}) return code;
    }
    return std::nullopt;
}

}  // namespace

BuildStream::BuildStream(OnBuildEvent on_event)
    : on_event_(std::move(on_event)), lines_([this](const Json& json) { document(json); }) {}

void BuildStream::emit(const BuildEvent& event) const {
    if (on_event_) on_event_(event);
}

void BuildStream::document(const Json& json) {
    if (const Json* error = json.find("error"); error != nullptr && error->is_string()) {
        error_ = json["errorDetail"].string_or("message", error->as_string());
        if (const Json& code = json["errorDetail"]["code"]; code.is_int()) error_code_ = code.as_int();
        return;
    }
    const std::string id = json.string_or("id", "");
    const Json& aux = json["aux"];
    if (id == "moby.buildkit.trace" && aux.is_string()) {
        std::string bytes;
        if (!base64_decode(aux.as_string(), bytes))
            throw Error(ErrorKind::Corrupt, "the Docker engine's build progress is not base64");
        trace(value_or_throw(decode_trace(bytes)));
    } else if (aux.is_object()) {
        if (const auto image = Digest::parse(aux.string_or("ID", ""))) image_ = *image;
    } else if (const Json* text = json.find("stream"); text != nullptr && text->is_string()) {
        classic_text(text->as_string());
    } else if (json.find("status") != nullptr) {
        pull_status(json);
    }
}

void BuildStream::classic_text(std::string_view text) {
    // stderr comes wrapped in red, each fragment by itself.
    const bool red = text.starts_with("\x1b[91m");
    std::string plain(text);
    if (red) {
        plain = plain.substr(5);
        if (plain.ends_with("\x1b[0m")) plain.resize(plain.size() - 4);
    }
    text_is_stderr_ = red || (text_is_stderr_ && text_.in_line());
    text_.feed(plain, [&](const std::string& line) {
        classic_line(line);
        text_is_stderr_ = red;
    });
}

void BuildStream::classic_line(const std::string& line) {
    if (const auto found = classic_step(line)) {
        end_classic_step();
        current_ = found->first;
        Step& begun = steps_[current_];
        begun.name = fmt::format("[{}] {}", found->first, found->second);
        begun.began = true;
        emit(make(BuildEvent::Kind::StepBegan, current_, begun.name));
    } else if (line == " ---> Using cache") {
        Step& step = steps_[current_];
        step.ended = true;
        emit(make(BuildEvent::Kind::StepCached, current_, step.name));
    } else if (line.starts_with("[Warning] ") || line.starts_with("[WARNING]: ")) {
        emit(make(BuildEvent::Kind::Warning, current_, steps_[current_].name, line.substr(line.find(' ') + 1)));
    } else if (!is_classic_remark(line) || (text_is_stderr_ && !line.empty())) {
        log(steps_[current_], current_, line, text_is_stderr_);
    }
}

void BuildStream::end_classic_step() {
    const auto found = steps_.find(current_);
    if (found == steps_.end() || !found->second.began || found->second.ended) return;
    found->second.ended = true;
    emit(make(BuildEvent::Kind::StepDone, current_, found->second.name));
}

void BuildStream::pull_status(const Json& json) {
    const Json& detail = json["progressDetail"];
    const std::string id = json.string_or("id", "");
    if (id.empty()) return;
    emit(progress(current_, steps_[current_].name, fmt::format("{} {}", json.string_or("status", ""), id),
                  detail.int_or("current", 0), detail.int_or("total", 0)));
}

void BuildStream::trace(const Trace& trace) {
    for (const auto& one : trace.vertices) vertex(one);
    for (const auto& status : trace.statuses) {
        emit(progress(status.vertex, steps_[status.vertex].name,
                      status.name.empty() ? status.id : status.name + " " + status.id, status.current, status.total));
    }
    for (const auto& one : trace.logs) {
        Step& step = steps_[one.vertex];
        const bool is_stderr = one.stream == 2;
        (is_stderr ? step.err : step.out).feed(one.bytes, [&](const std::string& line) {
            log(step, one.vertex, line, is_stderr);
        });
    }
    for (const auto& one : trace.warnings) {
        emit(make(BuildEvent::Kind::Warning, one.vertex, steps_[one.vertex].name, strip_terminal(one.text)));
    }
}

// A vertex is told again whenever something about it changes.
void BuildStream::vertex(const TraceVertex& vertex) {
    Step& step = steps_[vertex.digest];
    step.name = strip_terminal(vertex.name);
    step.internal = vertex.name.starts_with("[internal]") || vertex.name == "copy /context /";
    BuildEvent event = make(BuildEvent::Kind::StepBegan, vertex.digest, step.name);
    event.is_internal = step.internal;
    if (vertex.started && !step.began) {
        step.began = true;
        emit(event);
    }
    if (!vertex.completed || step.ended || !step.began) return;
    step.ended = true;
    const auto flush = [&](TextLines& lines, bool is_stderr) {
        lines.finish([&](const std::string& line) { log(step, vertex.digest, line, is_stderr); });
    };
    flush(step.out, false);
    flush(step.err, true);
    event.seconds = vertex.started ? std::max(0.0, *vertex.completed - *vertex.started) : 0;
    event.kind = vertex.cached ? BuildEvent::Kind::StepCached : BuildEvent::Kind::StepDone;
    if (!vertex.error.empty()) {
        event.kind = BuildEvent::Kind::StepFailed;
        event.text = strip_terminal(vertex.error);
        // When one step fails the others are cancelled, and say so as an error of theirs.
        if (failed_step_.empty() || steps_[failed_step_].name.empty()) failed_step_ = vertex.digest;
        if (vertex.error.find("context canceled") == std::string::npos) failed_step_ = vertex.digest;
    }
    emit(event);
}

void BuildStream::log(Step& step, const std::string& id, const std::string& line, bool is_stderr) {
    step.last_lines.push_back(line);
    if (step.last_lines.size() > kLastLines) step.last_lines.pop_front();
    BuildEvent event = make(BuildEvent::Kind::Log, id, step.name, line);
    event.is_stderr = is_stderr;
    event.is_internal = step.internal;
    emit(event);
}

Digest BuildStream::finish() {
    lines_.finish();
    text_.finish([this](const std::string& line) { classic_line(line); });
    for (auto& [id, step] : steps_) {
        step.out.finish([&](const std::string& line) { log(step, id, line, false); });
        step.err.finish([&](const std::string& line) { log(step, id, line, true); });
    }
    if (!error_.empty()) throw failure();
    end_classic_step();
    if (!image_)
        throw Error(ErrorKind::Transient, "the Docker engine ended the build without an image and without an error");
    return *image_;
}

Error BuildStream::failure() {
    const std::string id = failed_step_.empty() ? current_ : failed_step_;
    const auto found = steps_.find(id);
    const std::string reason = strip_terminal(replace_all(error_, "\n", " "));
    auto code = exit_code_in(reason);
    if (!code && error_code_) code = static_cast<int>(*error_code_);
    const bool disk_full = reason.find("no space left on device") != std::string::npos;
    const ErrorKind kind = disk_full ? ErrorKind::Io : ErrorKind::BuildFailed;

    std::string message;
    if (found == steps_.end()) {
        message = fmt::format("the build failed: {}", reason);
    } else {
        Step& step = found->second;
        if (failed_step_.empty() && !step.ended) {
            step.ended = true;
            emit(make(BuildEvent::Kind::StepFailed, id, step.name, reason));
        }
        message = code ? fmt::format("the build step '{}' failed with exit code {}", step.name, *code)
                       : fmt::format("the build step '{}' failed: {}", step.name, reason);
        if (!step.last_lines.empty()) message += "; its last lines:";
        for (const auto& line : step.last_lines) message += "\n    " + line;
    }
    Error error(kind, std::move(message));
    if (disk_full)
        return std::move(error).with_hint(
            "the Docker engine's disk is full: 'docker system prune' frees what is unused");
    return error;
}

}  // namespace envbuild::docker

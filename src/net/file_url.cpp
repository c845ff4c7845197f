#include "net/file_url.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "base/fs.hpp"
#include "base/strings.hpp"

namespace envbuild::net {

HttpResponse answer_from_file(const HttpRequest& request, const CancelToken& cancel) {
    HttpResponse response;
    response.final_url = request.url.without_user_info();
    if (request.method != "GET" && request.method != "HEAD") {
        response.status = 405;
        return response;
    }
    const std::string path = request.url.file_path();
    const auto cannot_read = [&](int code) {
        return Error(ErrorKind::Io, fmt::format("{}: cannot read: {}", path, std::generic_category().message(code)));
    };
    // A FIFO would wait for its writer for ever.
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status{};
    if (!fd && errno != ENOENT && errno != ENOTDIR && errno != EACCES && errno != EPERM) throw cannot_read(errno);
    if (!fd && (errno == EACCES || errno == EPERM)) {
        response.status = 403;
        return response;
    }
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        response.status = 404;
        return response;
    }
    response.status = 200;
    response.headers["content-length"] = std::to_string(status.st_size);
    if (request.on_response) request.on_response(response);
    if (request.method == "HEAD") return response;

    std::vector<char> buffer(256 << 10);
    while (true) {
        cancel.throw_if_cancelled();
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw cannot_read(errno);
        if (got == 0) return response;
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
        if (request.sink) {
            request.sink(bytes);
        } else if (response.body.size() + bytes.size() > request.body_limit) {
            throw Error(ErrorKind::Corrupt, fmt::format("{} is larger than {}", path, human_bytes(request.body_limit)));
        } else {
            response.body.append(bytes);
        }
    }
}

}  // namespace envbuild::net

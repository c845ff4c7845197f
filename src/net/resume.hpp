// Internal to net/: a download whose retries go on behind the last byte that came (RFC 9110 sections 13.1.5 and 14).
#pragma once

#include <cstdint>
#include <string>

#include "net/http_client.hpp"

namespace envbuild::net {

// A copy of a request that counts what its sink was given. Where the first answer had a strong ETag and was not encoded
// on the way, `restart` asks for the rest of the same bytes; else, and where the server sends other bytes after all, it
// is the original's `restart`. Not thread-safe.
class Resume {
  public:
    // Thrown out of the request's on_response, and so of the sending: see give_up().
    struct OtherPiece {};

    // A GET with sink and restart that asks for no range itself.
    [[nodiscard]] static bool fits(const HttpRequest& request);
    // `original` outlives this.
    explicit Resume(const HttpRequest& original);
    Resume(const Resume&) = delete;
    Resume& operator=(const Resume&) = delete;

    [[nodiscard]] const HttpRequest& request() const { return mine_; }
    // Whether only the rest was asked for.
    [[nodiscard]] bool is_under_way() const { return resuming_; }
    // The server has no such piece (416) or sent another one: from here on all is asked for, as without this class.
    void give_up();
    // The answer as if it had come in one piece.
    [[nodiscard]] HttpResponse answer(const HttpResponse& last) const;

  private:
    void answered(const HttpResponse& response);
    void again();
    void forget();

    const HttpRequest& original_;
    HttpRequest mine_;
    HttpResponse first_;
    std::uint64_t got_ = 0;
    bool resuming_ = false;
    bool given_up_ = false;
};

}  // namespace envbuild::net

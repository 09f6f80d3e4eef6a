// A node of Centrifuge, the library that Centrifugo is made of, behind its own WebSocket handler: everybody may subscribe
// and publish, the broker is the memory. With -history-size the last publications of each channel are kept, and clients that
// come back recover what they missed. Says where it listens in a line of JSON on standard output.
//
// What is not set here is the library's default, which is Centrifugo's too.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/centrifugal/centrifuge"
)

// More than any scenario asks for; the default of 128 is about browsers.
const channelsOfAClient = 100_000

const historyTTL = 5 * time.Minute

func main() {
	writeDelay := flag.Duration("write-delay", 0, "how long messages to a client wait for others")
	historySize := flag.Int("history-size", 0, "publications that are kept of each channel")
	flag.Parse()

	node, err := centrifuge.New(centrifuge.Config{ClientChannelLimit: channelsOfAClient})
	check(err)
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials: &centrifuge.Credentials{},
			WriteDelay:  *writeDelay,
			// What has gathered goes out in one frame, not in frames of sixteen.
			MaxMessagesInFrame: -1,
		}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, reply centrifuge.SubscribeCallback) {
			options := centrifuge.SubscribeOptions{EnableRecovery: *historySize > 0}
			reply(centrifuge.SubscribeReply{Options: options}, nil)
		})
		// A reply without a result lets the library publish.
		client.OnPublish(func(_ centrifuge.PublishEvent, reply centrifuge.PublishCallback) {
			options := centrifuge.PublishOptions{HistorySize: *historySize, HistoryTTL: historyTTL}
			reply(centrifuge.PublishReply{Options: options}, nil)
		})
	})
	check(node.Run())

	go collectGarbage()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("{\"msg\":\"listening\",\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	check(http.Serve(listener, centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{})))
}

// Memory is compared after this: at SIGUSR2 garbage is collected and given back.
func collectGarbage() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR2)
	for range asked {
		debug.FreeOSMemory()
		fmt.Println(`{"msg":"collected","youngBytes":0}`)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

export default {"recording":1,"kind":"network","name":"network/unreachable","about":"nobody answers where the proxy should be","provenance":"Made up from the recorded answer to the same question: the network between page and proxy fails.","exchanges":[
{"request":{"method":"POST","path":"/api/v1/chat","anything":true},"answers":[
{"status":200,"headers":{},"ends":"unreachable","frames":[]}]},
{"request":{"method":"POST","path":"/api/v1/chat","anything":true},"answers":[
{"status":200,"headers":{},"ends":"unreachable","frames":[]}]}]};

<?php

use LoyaltyHub\Options;
use LoyaltyHub\Pairing;
use LoyaltyHub\Site;
use LoyaltyHub\Transport;
use PHPUnit\Framework\TestCase;

/**
 * One code makes two systems known to each other.
 */
final class PairingTest extends TestCase {

	private const HUB = 'https://hub.example';

	private object $database;

	protected function setUp(): void {
		Shop::open();
		Shop::$options = array( 'permalink_structure' => '/%postname%/', Options::NAME => array( 'url' => self::HUB, 'shop' => '' ) );
		$this->database = $GLOBALS['wpdb'] = new class() {
			public string $prefix   = 'wp_';
			public int $insert_id   = 0;
			public array $keys      = array();
			public function insert( $table, $data, $format = null ) { $this->keys[ ++$this->insert_id ] = $data; return 1; }
			public function delete( $table, $where, $where_format = null ) { unset( $this->keys[ $where['key_id'] ] ); return 1; }
		};
	}

	public function test_a_code_pairs(): void {
		$this->hub_gives();
		$this->assertTrue( Pairing::pair( self::HUB, ' ABCDE-FGHJK-LMNPQ ' )[0] );

		list( $method, $url, $body ) = Shop::asked()[0];
		$this->assertSame( array( 'POST', 'https://hub.example/pair', 'ABCDE-FGHJK-LMNPQ', 'shop.example' ), array( $method, $url, $body['code'], $body['name'] ) );
		$this->assertArrayNotHasKey( 'Authorization', Shop::$sent[0][3]['headers'] );
		$told = $body['settings'];
		$this->assertSame( 'https://shop.example', $told['base_url'] );
		$this->assertArrayNotHasKey( 'shop', $told, 'a connection that is paired anew stays with its shop' );
		$key = $this->database->keys[1];
		$this->assertSame( array( 7, 'read_write', 'hash of ' . $told['consumer_key'], $told['consumer_secret'] ), array( $key['user_id'], $key['permissions'], $key['consumer_key'], $key['consumer_secret'] ) );
		$this->assertSame( substr( $told['consumer_key'], -7 ), $key['truncated_key'] );

		$kept = Shop::$options[ Options::NAME ];
		$this->assertSame( array( 'yes', 'lh_1', 'i_5', $told['webhook_secret'] ), array( $kept['enabled'], $kept['key'], $kept['connection'], $kept['secret'] ) );
		$this->assertSame( Pairing::TOPICS, array_map( fn( $hook ) => $hook->data['topic'], array_values( Shop::$webhooks ) ) );
		foreach ( Shop::$webhooks as $hook ) {
			$this->assertSame( array( 'active', 'https://hub.example/hooks/i_5/events', $told['webhook_secret'], 'wp_api_v3', 7 ), array( $hook->data['status'], $hook->data['url'], $hook->data['secret'], $hook->data['version'], $hook->data['user'] ) );
		}
	}

	public function test_a_shop_that_the_owner_typed_is_told(): void {
		Shop::$options[ Options::NAME ]['shop'] = 'second';
		$this->hub_gives();
		Pairing::pair( self::HUB, 'ABCDE' );
		$this->assertSame( 'second', Shop::asked()[0][2]['settings']['shop'] );
	}

	public function test_pairing_anew_takes_the_old_key_and_webhooks_away(): void {
		$this->hub_gives();
		Pairing::pair( self::HUB, 'one' );
		$this->hub_gives( 'lh_2' );
		Pairing::pair( self::HUB, 'two' );
		$this->assertSame( array( 2 ), array_keys( $this->database->keys ) );
		$this->assertCount( count( Pairing::TOPICS ), Shop::$webhooks );
		$this->assertSame( 'lh_2', Options::get( 'key' ) );
	}

	/**
	 * @dataProvider refusals
	 */
	public function test_a_pairing_that_did_not_come_about_leaves_nothing( array $answer, string $told, bool $may_be_there ): void {
		if ( array() !== $answer ) {
			Shop::answer( ...$answer );
		}
		list( $well, $text ) = Pairing::pair( self::HUB, 'ABCDE' );
		$this->assertFalse( $well );
		$this->assertStringContainsString( $told, $text );
		$this->assertSame( $may_be_there, str_contains( $text, 'the connection may be there already' ) );
		$this->assertSame( array( array(), array(), '' ), array( $this->database->keys, Shop::$webhooks, Options::get( 'key' ) ) );
	}

	public static function refusals(): array {
		return array(
			'no answer'            => array( array(), 'does not answer', true ),
			'a proxy that lost it' => array( array( 504, array() ), '504', true ),
			'a wrong code'         => array( array( 422, array( 'code' => 'pairing_code_wrong', 'detail' => 'Код неверен.' ) ), 'Код неверен.', false ),
			'a wrong field'        => array( array( 422, array( 'detail' => 'Wrong.', 'errors' => array( 'name' => array( 'Is taken.' ) ) ) ), 'name: Is taken.', false ),
			'another site'         => array( array( 201, array( 'hello' => 'world' ) ), '201', true ),
		);
	}

	/**
	 * @dataProvider addresses
	 */
	public function test_keys_go_to_no_address_where_others_read_them( string $url, bool $is_asked ): void {
		Pairing::pair( $url, 'ABCDE' );
		$this->assertCount( $is_asked ? 1 : 0, Shop::$sent );
		$this->assertSame( array(), $this->database->keys );
	}

	public static function addresses(): array {
		return array(
			array( 'https://hub.example', true ), array( 'http://127.0.0.1:8000', true ), array( 'http://192.168.1.5', true ), array( 'http://localhost:8000', true ),
			array( 'http://hub.example', false ), array( 'http://8.8.8.8', false ), array( 'hub.example', false ), array( '', false ),
		);
	}

	public function test_a_copy_of_the_shop_works_once_it_is_paired_with_a_hub_of_its_own(): void {
		Shop::$options['home']            = 'https://shop.example';
		Shop::$options[ Site::ADDRESSES ] = array( 'other.example' );
		$this->assertFalse( Site::is_the_shop() );
		$this->hub_gives();
		Pairing::pair( self::HUB, 'ABCDE' );
		$this->assertTrue( Site::is_the_shop() );
	}

	public function test_plain_permalinks_are_told_of(): void {
		Shop::$options['permalink_structure'] = '';
		$this->assertStringContainsString( 'permalinks', Pairing::pair( self::HUB, 'ABCDE' )[1] );
	}

	public function test_a_webhook_that_was_switched_off_is_switched_on_again_and_a_missing_one_made(): void {
		$this->assertSame( array(), Pairing::mend(), 'who never paired has none' );
		$this->hub_gives();
		Pairing::pair( self::HUB, 'one' );
		$this->assertSame( array(), Pairing::mend() );

		Shop::$webhooks[2]->data = array( 'status' => 'disabled', 'failures' => 6 ) + Shop::$webhooks[2]->data;
		Shop::$webhooks[4]->data = array( 'status' => 'paused' ) + Shop::$webhooks[4]->data;
		$gone                    = Shop::$webhooks[3]->data;
		unset( Shop::$webhooks[3] );
		$this->assertSame( array( true, true ), array_column( Pairing::mend(), 0 ) );
		$this->assertSame( array( 'active', 0 ), array( Shop::$webhooks[2]->data['status'], Shop::$webhooks[2]->data['failures'] ) );
		$this->assertSame( 'paused', Shop::$webhooks[4]->data['status'], 'what a person paused stays so' );
		$this->assertSame( $gone, end( Shop::$webhooks )->data );
		$this->assertSame( array(), Pairing::mend() );
	}

	public function test_a_webhook_that_the_hub_made_anew_is_missed_by_nobody_and_goes_with_the_others(): void {
		$this->hub_gives();
		Pairing::pair( self::HUB, 'one' );
		$by_hub       = new WC_Webhook();
		$by_hub->data = Shop::$webhooks[3]->data;
		$other        = new WC_Webhook();
		$other->data  = array( 'url' => 'https://till.example/hook' ) + Shop::$webhooks[3]->data;
		unset( Shop::$webhooks[3] );
		$by_hub->save();
		$other->save();
		$this->assertSame( array(), Pairing::mend() );

		Pairing::forget();
		$this->assertSame( array( $other ), array_values( Shop::$webhooks ) );
	}

	public function test_webhooks_reach_a_hub_on_a_private_address(): void {
		( new Transport() )->listen();
		Shop::$options[ Options::NAME ]['url'] = 'http://192.168.1.5:8000';
		$this->assertTrue( apply_filters( 'http_request_host_is_external', false, '192.168.1.5', '' ) );
		$this->assertSame( array( 80, 8000 ), apply_filters( 'http_allowed_safe_ports', array( 80 ), '192.168.1.5', '' ) );
		$this->assertFalse( apply_filters( 'http_request_host_is_external', false, '192.168.1.6', '' ) );
		$this->assertSame( array( 80 ), apply_filters( 'http_allowed_safe_ports', array( 80 ), '192.168.1.6', '' ) );
	}

	public function test_a_hub_that_does_not_answer_holds_the_shops_queue_for_seconds_alone(): void {
		( new Transport() )->listen();
		$this->hub_gives();
		Pairing::pair( self::HUB, 'one' );
		$this->assertSame( array( 10, 'POST' ), $this->webhook_of( 1 ) );
		$this->assertSame( array( 60, 'POST' ), $this->webhook_of( 99 ), 'what is not for the hub waits as WooCommerce has it' );
	}

	private function webhook_of( int $id ): array {
		$how = apply_filters( 'woocommerce_webhook_http_args', array( 'method' => 'POST', 'timeout' => 60 ), 5, $id );
		return array( $how['timeout'], $how['method'] );
	}

	private function hub_gives( string $key = 'lh_1' ): void {
		Shop::answer( 201, array( 'connection' => 'i_5', 'key' => $key, 'hooks' => array( 'events' => '/hooks/i_5/events' ) ) );
	}
}

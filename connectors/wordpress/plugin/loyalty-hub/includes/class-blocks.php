<?php
/**
 * The cart and checkout of blocks.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use Automattic\WooCommerce\StoreApi\Schemas\V1\CartSchema;

/**
 * Prices and promises are `Cart` and `Orders`, as at the classic checkout; here the buyer is told
 * and asked.
 */
final class Blocks {

	public const NAMESPACE = 'loyalty-hub';

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_action( 'woocommerce_blocks_loaded', array( $this, 'extend' ) );
		foreach ( array( 'cart', 'checkout' ) as $block ) {
			add_action( 'woocommerce_blocks_' . $block . '_block_registration', array( $this, 'integrate' ) );
		}
	}

	/**
	 * The Store API tells of points and takes choices.
	 */
	public function extend(): void {
		woocommerce_store_api_register_endpoint_data(
			array(
				'endpoint'        => CartSchema::IDENTIFIER,
				'namespace'       => self::NAMESPACE,
				'data_callback'   => array( $this, 'data' ),
				'schema_callback' => array( $this, 'schema' ),
				'schema_type'     => ARRAY_A,
			)
		);
		woocommerce_store_api_register_update_callback(
			array(
				'namespace' => self::NAMESPACE,
				'callback'  => array( $this, 'take' ),
			)
		);
	}

	/**
	 * What is told with each cart; the hub is asked only if the cart has changed.
	 *
	 * @return array
	 */
	public function data() {
		$view = Offer::of_cart();
		return array(
			'shown'     => null !== $view,
			'notes'     => $view['notes'] ?? array(),
			'can_spend' => $view['can_spend'] ?? false,
			'by_code'   => $view['by_code'] ?? false,
			'code_sent' => $view['code_sent'] ?? false,
			'spend'     => $view['spend'] ?? '',
			'codes'     => $view['codes'] ?? array(),
		);
	}

	/**
	 * Its shape.
	 *
	 * @return array
	 */
	public function schema() {
		$shapes = array(
			'shown'     => 'boolean',
			'notes'     => 'array',
			'can_spend' => 'boolean',
			'by_code'   => 'boolean',
			'code_sent' => 'boolean',
			'spend'     => 'string',
			'codes'     => 'array',
		);
		return array_map(
			fn( string $type ) => array(
				'description' => 'Points and discounts of the loyalty hub',
				'type'        => $type,
				'context'     => array( 'view', 'edit' ),
				'readonly'    => true,
			),
			$shapes
		);
	}

	/**
	 * A choice of the buyer.
	 *
	 * @param array $data As `Choices::take` takes it.
	 * @throws \WC_REST_Exception If it cannot be read.
	 */
	public function take( $data ): void {
		$wrong = Choices::take( array_map( fn( $value ) => is_string( $value ) ? sanitize_text_field( $value ) : null, (array) $data ) );
		if ( null !== $wrong ) {
			throw new \WC_REST_Exception( 'loyalty_hub_points', esc_html( $wrong ), 400 );
		}
	}

	/**
	 * The script of the blocks.
	 *
	 * @param \Automattic\WooCommerce\Blocks\Integrations\IntegrationRegistry $registry Of the block.
	 */
	public function integrate( $registry ): void {
		require_once __DIR__ . '/class-blocks-script.php';
		$registry->register( new Blocks_Script() );
	}
}
